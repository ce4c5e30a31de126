# Слова самого лише командного рядка.

terminal-no-home = Немає домашньої теки, де зберігати облікові записи; назвіть теку в --data.
terminal-no-words = Без слів надсилати нічого; напишіть щось або передайте слова параметром.
terminal-not-text = На stdin прийшов не текст; надішліть його через --attach.
terminal-editor-failed = Редактор «{ $editor }» завершився невдало; нічого не надіслано.
terminal-words-kept = Ваші слова лежать у { $path }.
terminal-words-left = Ненадіслані слова з минулого разу лежать у { $path }; надішліть їх або видаліть файл.
terminal-stopped = Зупинено; нічого не змінилося.
terminal-stopped-saved = Зупинено; усе, що чекає, збережено й піде наступного разу.
# Коли команда скінчилася, повторити нікому.
terminal-retrying = Не вдалося: { $reason }. Піде з наступною командою sync
terminal-hint-new =
    Перший рядок — тема, решта — опис.
    Те, що нижче риски, не надсилається.
    Порожній текст не надсилає нічого.
terminal-hint-reply =
    Напишіть слова над рискою.
    Порожній текст не надсилає нічого.

terminal-code-sent = Якщо підтримка знає { $email }, лист із кодом уже в дорозі. Код діє { $minutes ->
    [one] { $minutes } хвилину
    [few] { $minutes } хвилини
    [many] { $minutes } хвилин
   *[other] { $minutes } хвилини
}.
terminal-code-ask = Код із листа:
terminal-code-finish = Щоб закінчити, виконайте: { $command }
terminal-choose-unbound = Тут щось подано ще до входу; скажіть --bind, щоб надіслати це від цього облікового запису, або --leave, щоб лишити чекати. Код іще діє.
terminal-bind-ask = Тут щось подано ще до входу. Надіслати від імені { $email }? [так/ні]
terminal-yes = так
terminal-welcome = Вітаємо, { $person }! Ви увійшли: { $desk }.
terminal-signed-out = Ви вийшли; того, що прийшло від підтримки, тут більше немає.
terminal-left-behind = { $unsent }; це чекає тут під замком, доки ви не увійдете знову.
terminal-this-device = цей
terminal-device-ended = Завершено.

terminal-no-tickets = Заявок тут поки немає.
terminal-more = і ще { $count }
terminal-unread = { $count ->
    [one] { $count } нове
    [few] { $count } нові
    [many] { $count } нових
   *[other] { $count } нового
}
terminal-needs-you = { $count ->
    [one] { $count } чекає на вас
    [few] { $count } чекають на вас
    [many] { $count } чекають на вас
   *[other] { $count } чекають на вас
}
terminal-waiting = { $count ->
    [one] { $count } чекає на надсилання
    [few] { $count } чекають на надсилання
    [many] { $count } чекають на надсилання
   *[other] { $count } чекають на надсилання
}
terminal-followed-by = Ще стежать: { $names }
terminal-nothing-found = Слів «{ $query }» тут ніде немає.
terminal-no-drafts = Чернеток немає.
terminal-no-files = У цій заявці немає файлів.
terminal-outbox-empty = Нічого не чекає, усе дійшло.
terminal-outbox-file = Файл
terminal-discarded = Прибрано.
terminal-when-answered = Це вже в дорозі; зробимо, щойно прийде відповідь.
terminal-synced = Надіслано: { $pushed }, нового: { $pulled }
terminal-watching = { $count ->
    [one] Стежимо за { $count } заявкою
    [few] Стежимо за { $count } заявками
    [many] Стежимо за { $count } заявками
   *[other] Стежимо за { $count } заявками
}; закінчити — Ctrl-C.

terminal-export-taken = { $path } вже є і не порожня; назвіть нову теку.
terminal-exported = Записано в { $path }: { $tickets ->
    [one] { $tickets } заявка
    [few] { $tickets } заявки
    [many] { $tickets } заявок
   *[other] { $tickets } заявки
}, { $comments ->
    [one] { $comments } відповідь
    [few] { $comments } відповіді
    [many] { $comments } відповідей
   *[other] { $comments } відповіді
}, { $files ->
    [one] { $files } файл
    [few] { $files } файли
    [many] { $files } файлів
   *[other] { $files } файлу
}, ще не надіслано: { $unsent }.
terminal-export-missing = Немає на цьому комп'ютері, тому не записано: { $name }
