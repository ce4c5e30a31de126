# Де слова людини. DEVICE() — «phone» у застосунках і «computer» у терміналі.
# $at, $since, $when — звороти з times.ftl; $reason — частина речення без великої літери й крапки.

delivery-draft = Чернетка
delivery-saved = Збережено на { DEVICE() ->
    [computer] комп'ютері
   *[phone] телефоні
}
delivery-sending = Надсилається
delivery-sending-bytes = Надсилається: { $sent } з { $total }
delivery-delivered = Доставлено { $at }
delivery-registered = У заявці
delivery-registered-number = Зареєстровано: №{ $number }
delivery-retrying = Не вдалося: { $reason }. Повторимо { $at }
delivery-attention = Чекає на вас: { $reason }

waits-network = Чекає на зв'язок { $since }
waits-wifi = Чекає на Wi-Fi { $since }
waits-lane = Чекає на ваш попередній крок { $since }
waits-ticket = Чекає, доки дійде сама заявка, { $since }
waits-sign-in = Чекає, доки ви увійдете, { $since }
waits-newer-app = Чекає на нову версію застосунку { $since }

retry-network = немає зв'язку
retry-busy = підтримка просить зайти пізніше
retry-server = підтримка не відповідає
retry-wrong-date = на { DEVICE() ->
    [computer] комп'ютері
   *[phone] телефоні
} неправильна дата, перевірте її

attention-cannot-take = підтримка не прийняла це після багатьох спроб. Пробуємо щогодини; про всяк випадок скопіюйте текст
attention-file-vanished = файлу «{ $name }» більше немає на { DEVICE() ->
    [computer] комп'ютері
   *[phone] телефоні
}
attention-words = { $reason } («{ $words }»)

# Підписи дій, після яких чекати більше нема на що.
remedy-edit = Виправити
remedy-retry = Надіслати ще раз
remedy-discard = Прибрати
remedy-file-anew = Подати нову заявку
remedy-follow-up = Подати заявку на продовження
remedy-copy-text = Скопіювати текст
remedy-sign-in = Увійти
remedy-remove-file = Прибрати файл

# Наскільки файл видно іншим.
file-pending = Ще в дорозі
file-complete = Увесь
file-missing = Дійшов не весь

direction-up = Надсилаємо
direction-down = Завантажуємо

# Що робить крок, у вихідних.
op-ticket-create = Нова заявка
op-ticket-confirm = Вирішено
op-ticket-reopen = Не вирішено
op-ticket-withdraw = Заявку відкликано
op-comment-add = Відповідь
op-attachment-add = Файл
op-rating-set = Оцінка
op-read-mark = Прочитано
op-read-unmark = Не прочитано
op-participant-add = Новий учасник
op-participant-remove = Учасника прибрано
op-entity-amend = Нові слова
op-entity-withdraw = Слова відкликано
op-other = Зміна
