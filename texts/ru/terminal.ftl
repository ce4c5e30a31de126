# Слова одной лишь командной строки.

terminal-no-home = Нет домашней папки, где хранить учётные записи; назовите папку в --data.
terminal-no-words = Без слов отправлять нечего; напишите что-нибудь или передайте слова параметром.
terminal-not-text = На stdin пришёл не текст; отправьте его через --attach.
terminal-editor-failed = Редактор «{ $editor }» завершился неудачно; ничего не отправлено.
terminal-words-kept = Ваши слова лежат в { $path }.
terminal-words-left = Неотправленные слова с прошлого раза лежат в { $path }; отправьте их или удалите файл.
terminal-stopped = Остановлено; ничего не изменилось.
terminal-stopped-saved = Остановлено; всё, что ждёт, сохранено и уйдёт в следующий раз.
# Когда команда закончилась, повторить некому.
terminal-retrying = Не вышло: { $reason }. Уйдёт со следующей командой sync
terminal-hint-new =
    Первая строка — тема, остальное — описание.
    То, что ниже черты, не отправляется.
    Пустой текст не отправляет ничего.
terminal-hint-reply =
    Напишите слова над чертой.
    Пустой текст не отправляет ничего.

terminal-code-sent = Если поддержка знает { $email }, письмо с кодом уже в пути. Код действует { $minutes ->
    [one] { $minutes } минуту
    [few] { $minutes } минуты
    [many] { $minutes } минут
   *[other] { $minutes } минуты
}.
terminal-code-ask = Код из письма:
terminal-code-finish = Чтобы закончить, выполните: { $command }
terminal-choose-unbound = Здесь что-то подано ещё до входа; скажите --bind, чтобы отправить это от этой учётной записи, или --leave, чтобы оставить ждать. Код ещё действует.
terminal-bind-ask = Здесь что-то подано ещё до входа. Отправить от имени { $email }? [да/нет]
terminal-yes = да
terminal-welcome = Здравствуйте, { $person }! Вы вошли: { $desk }.
terminal-signed-out = Вы вышли; того, что пришло от поддержки, здесь больше нет.
terminal-left-behind = { $unsent }; это ждёт здесь под замком, пока вы не войдёте снова.
terminal-this-device = это
terminal-device-ended = Завершено.

terminal-no-tickets = Заявок здесь пока нет.
terminal-more = и ещё { $count }
terminal-unread = { $count ->
    [one] { $count } новое
    [few] { $count } новых
    [many] { $count } новых
   *[other] { $count } нового
}
terminal-needs-you = { $count ->
    [one] { $count } ждёт вас
    [few] { $count } ждут вас
    [many] { $count } ждут вас
   *[other] { $count } ждут вас
}
terminal-waiting = { $count ->
    [one] { $count } ждёт отправки
    [few] { $count } ждут отправки
    [many] { $count } ждут отправки
   *[other] { $count } ждут отправки
}
terminal-followed-by = Ещё следят: { $names }
terminal-nothing-found = Слов «{ $query }» здесь нигде нет.
terminal-no-drafts = Черновиков нет.
terminal-no-files = В этой заявке нет файлов.
terminal-outbox-empty = Ничего не ждёт, всё дошло.
terminal-outbox-file = Файл
terminal-discarded = Убрано.
terminal-when-answered = Это уже в пути; сделаем, как только придёт ответ.
terminal-synced = Отправлено: { $pushed }, нового: { $pulled }
terminal-watching = { $count ->
    [one] Смотрим за { $count } заявкой
    [few] Смотрим за { $count } заявками
    [many] Смотрим за { $count } заявками
   *[other] Смотрим за { $count } заявками
}; закончить — Ctrl-C.

terminal-export-taken = { $path } уже есть и не пуста; назовите новую папку.
terminal-exported = Записано в { $path }: { $tickets ->
    [one] { $tickets } заявка
    [few] { $tickets } заявки
    [many] { $tickets } заявок
   *[other] { $tickets } заявки
}, { $comments ->
    [one] { $comments } ответ
    [few] { $comments } ответа
    [many] { $comments } ответов
   *[other] { $comments } ответа
}, { $files ->
    [one] { $files } файл
    [few] { $files } файла
    [many] { $files } файлов
   *[other] { $files } файла
}, ещё не отправлено: { $unsent }.
terminal-export-missing = Нет на этом компьютере, поэтому не записано: { $name }
