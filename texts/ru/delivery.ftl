# Где слова человека. DEVICE() — «phone» в приложениях и «computer» в терминале.
# $at, $since, $when — обороты из times.ftl; $reason — часть предложения без заглавной буквы и точки.

delivery-draft = Черновик
delivery-saved = Сохранено на { DEVICE() ->
    [computer] компьютере
   *[phone] телефоне
}
delivery-sending = Отправляется
delivery-sending-bytes = Отправляется: { $sent } из { $total }
delivery-delivered = Доставлено { $at }
delivery-registered = В заявке
delivery-registered-number = Зарегистрировано: №{ $number }
delivery-retrying = Не вышло: { $reason }. Повторим { $at }
delivery-attention = Ждёт вас: { $reason }

waits-network = Ждёт связи { $since }
waits-wifi = Ждёт Wi-Fi { $since }
waits-lane = Ждёт вашего предыдущего шага { $since }
waits-ticket = Ждёт, пока дойдёт сама заявка, { $since }
waits-sign-in = Ждёт, пока вы войдёте, { $since }
waits-newer-app = Ждёт новой версии приложения { $since }

retry-network = нет связи
retry-busy = поддержка просит зайти позже
retry-server = поддержка не отвечает
retry-wrong-date = на { DEVICE() ->
    [computer] компьютере
   *[phone] телефоне
} неверная дата, проверьте её

attention-cannot-take = поддержка не приняла это после многих попыток. Пробуем раз в час; на всякий случай скопируйте текст
attention-file-vanished = файла «{ $name }» больше нет на { DEVICE() ->
    [computer] компьютере
   *[phone] телефоне
}
attention-words = { $reason } («{ $words }»)

# Подписи действий, после которых ждать больше нечего.
remedy-edit = Исправить
remedy-retry = Отправить ещё раз
remedy-discard = Убрать
remedy-file-anew = Подать новую заявку
remedy-follow-up = Подать заявку в продолжение
remedy-copy-text = Скопировать текст
remedy-sign-in = Войти
remedy-remove-file = Убрать файл

# Насколько файл виден другим.
file-pending = Ещё в пути
file-complete = Весь
file-missing = Дошёл не весь

direction-up = Отправляем
direction-down = Загружаем

# Что делает шаг, в исходящих.
op-ticket-create = Новая заявка
op-ticket-confirm = Решено
op-ticket-reopen = Не решено
op-ticket-withdraw = Заявка отозвана
op-comment-add = Ответ
op-attachment-add = Файл
op-rating-set = Оценка
op-read-mark = Прочитано
op-read-unmark = Не прочитано
op-participant-add = Новый участник
op-participant-remove = Участник убран
op-entity-amend = Новые слова
op-entity-withdraw = Слова отозваны
op-other = Изменение
