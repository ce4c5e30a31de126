# Вхід і вихід, де обліковий запис, і що не вдалося: що сталося, що тепер.

account-idle = Усе тут
account-running = Дивимося, що нового
account-offline = Немає зв'язку — усе збережено на { DEVICE() ->
    [computer] комп'ютері
   *[phone] телефоні
}
account-waiting = Підтримка не відповідає. Повторимо { $at }
account-not-signed-in = Увійдіть, і все звідси піде до підтримки
account-signed-out = Увійдіть знову, неподане ціле
account-app-too-old = Потрібна новіша версія застосунку: оновіть його; ненадіслане ціле
account-damaged = Частину файлів пошкоджено; написане вами можна читати й вивантажити
account-as-of = дані на { $time }

unsent = Не надіслано: { $ops ->
    [one] { $ops } крок
    [few] { $ops } кроки
    [many] { $ops } кроків
   *[other] { $ops } кроку
}, { $files ->
    [one] { $files } файл
    [few] { $files } файли
    [many] { $files } файлів
   *[other] { $files } файлу
} і { $drafts ->
    [one] { $drafts } чернетка
    [few] { $drafts } чернетки
    [many] { $drafts } чернеток
   *[other] { $drafts } чернетки
}

trouble-not-found-account = Такого облікового запису тут немає; подивіться, які є, і назвіть один.
trouble-not-found-ticket = Заявки «{ $name }» тут немає; подивіться у списку або спершу завантажте нове.
trouble-not-found-op = У вихідних немає «{ $name }»; можливо, це вже дійшло.
trouble-not-found-draft = Чернетки «{ $name }» немає; подивіться в чернетках.
trouble-not-found-attachment = Файлу «{ $name }» тут немає; подивіться файли в заявці.
trouble-not-found-session = Пристрою «{ $name }» немає; подивіться у списку пристроїв.
trouble-ambiguous-account = Підходить кілька облікових записів; назвіть один: { $candidates }.
trouble-ambiguous-ticket = «{ $name }» підходить до кількох заявок; назвіть одну: { $candidates }.
trouble-ambiguous = «{ $name }» підходить до кількох; назвіть одне: { $candidates }.
trouble-invalid = У такому вигляді це не зберегти, { $field }: { $reason }. Виправте й спробуйте ще раз; ваші слова не змінилися.
trouble-not-now = Зараз це неможливо: { $reason }.
trouble-would-leave-words = { $unsent }; дайте їм піти або вийдіть усе одно: вони залишаться тут під замком, доки ви не увійдете знову.
trouble-signed-out = Ніхто не увійшов; спершу увійдіть.
trouble-offline = Для цього потрібен зв'язок, а ви вирішили обійтися без нього; спробуйте зі зв'язком.
trouble-unreachable = До підтримки не достукатися; перевірте зв'язок і спробуйте ще раз.
trouble-outbox-full = На надсилання чекає вже забагато; під'єднайтеся, дайте цьому піти й спробуйте ще раз.
trouble-disk-full = Вільного місця не залишилося; звільніть трохи й спробуйте ще раз.
trouble-read-only = Цей обліковий запис можна лише читати й вивантажити: { $reason }.
trouble-file = { $path }: { $reason }.
trouble-closed = Застосунок закривається; запустіть його знову.
trouble-defect = Усередині щось зламалося, нічого не змінилося: { $reason }.
trouble-locked = Пристрій заблоковано; розблокуйте його й спробуйте ще раз.
trouble-open = Теку { $path } не відкрити: { $reason }. У ній нічого не змінилося.

sign-in-invalid-server-url = «{ $name }» — не адреса підтримки; вона виглядає так: https://desk.example.com, а http без захисту годиться лише на цьому самому пристрої.
sign-in-invalid-email = «{ $name }» — не адреса пошти; перевірте її.
sign-in-invalid-code = Код — це шість цифр; подивіться в останньому листі підтримки.
sign-in-check-date = Сертифікат підтримки не підходить до дати на { DEVICE() ->
    [computer] комп'ютері
   *[phone] телефоні
}; перевірте дату й спробуйте ще раз.
sign-in-not-a-desk = За адресою { $name } підтримка не відповідає; перевірте адресу.
sign-in-wrong-code = Код неправильний; подивіться в останньому листі й спробуйте ще раз.
sign-in-wrong-code-tries = Код неправильний; { $tries ->
    [one] залишилася { $tries } спроба
    [few] залишилося { $tries } спроби
    [many] залишилося { $tries } спроб
   *[other] залишилося { $tries } спроби
}.
sign-in-code-expired = Код більше не діє; запитайте новий.
sign-in-come-later = Забагато спроб; поверніться за { $seconds ->
    [one] { $seconds } секунду
    [few] { $seconds } секунди
    [many] { $seconds } секунд
   *[other] { $seconds } секунди
}.
sign-in-app-too-old = Потрібна новіша версія застосунку; оновіть його й увійдіть знову.
