# Вход и выход, где учётная запись, и что не удалось: что случилось, что теперь.

account-idle = Всё здесь
account-running = Смотрим, что нового
account-offline = Нет связи — всё сохранено на { DEVICE() ->
    [computer] компьютере
   *[phone] телефоне
}
account-waiting = Поддержка не отвечает. Повторим { $at }
account-not-signed-in = Войдите, и всё отсюда уйдёт в поддержку
account-signed-out = Войдите снова, неотправленное цело
account-app-too-old = Нужна новая версия приложения: обновите его; неотправленное цело
account-damaged = Часть файлов повреждена; написанное вами можно читать и выгрузить
account-as-of = данные на { $time }

unsent = Не отправлено: { $ops ->
    [one] { $ops } шаг
    [few] { $ops } шага
    [many] { $ops } шагов
   *[other] { $ops } шага
}, { $files ->
    [one] { $files } файл
    [few] { $files } файла
    [many] { $files } файлов
   *[other] { $files } файла
} и { $drafts ->
    [one] { $drafts } черновик
    [few] { $drafts } черновика
    [many] { $drafts } черновиков
   *[other] { $drafts } черновика
}

trouble-not-found-account = Такой учётной записи здесь нет; посмотрите, какие есть, и назовите одну.
trouble-not-found-ticket = Заявки «{ $name }» здесь нет; посмотрите в списке или сначала загрузите новое.
trouble-not-found-op = В исходящих нет «{ $name }»; возможно, это уже дошло.
trouble-not-found-draft = Черновика «{ $name }» нет; посмотрите в черновиках.
trouble-not-found-attachment = Файла «{ $name }» здесь нет; посмотрите файлы в заявке.
trouble-not-found-session = Устройства «{ $name }» нет; посмотрите в списке устройств.
trouble-ambiguous-account = Подходит несколько учётных записей; назовите одну: { $candidates }.
trouble-ambiguous-ticket = «{ $name }» подходит к нескольким заявкам; назовите одну: { $candidates }.
trouble-ambiguous = «{ $name }» подходит к нескольким; назовите одно: { $candidates }.
trouble-invalid = В таком виде это не сохранить, { $field }: { $reason }. Исправьте и попробуйте ещё раз; ваши слова не изменились.
trouble-not-now = Сейчас это невозможно: { $reason }.
trouble-would-leave-words = { $unsent }; дайте им уйти или выйдите всё равно: они останутся здесь под замком, пока вы не войдёте снова.
trouble-signed-out = Никто не вошёл; сначала войдите.
trouble-offline = Для этого нужна связь, а вы решили обойтись без неё; попробуйте со связью.
trouble-unreachable = До поддержки не достучаться; проверьте связь и попробуйте ещё раз.
trouble-outbox-full = Отправки ждёт уже слишком многое; подключитесь, дайте этому уйти и попробуйте ещё раз.
trouble-disk-full = Свободного места не осталось; освободите немного и попробуйте ещё раз.
trouble-read-only = Эту учётную запись можно только читать и выгрузить: { $reason }.
trouble-file = { $path }: { $reason }.
trouble-closed = Приложение закрывается; запустите его снова.
trouble-defect = Внутри что-то сломалось, ничего не изменилось: { $reason }.
trouble-locked = Устройство заблокировано; разблокируйте его и попробуйте ещё раз.
trouble-open = Папку { $path } не открыть: { $reason }. В ней ничего не изменилось.

sign-in-invalid-server-url = «{ $name }» — не адрес поддержки; он выглядит так: https://desk.example.com, а http без защиты годится только на этом же устройстве.
sign-in-invalid-email = «{ $name }» — не адрес почты; проверьте его.
sign-in-invalid-code = Код — это шесть цифр; посмотрите в последнем письме поддержки.
sign-in-check-date = Сертификат поддержки не подходит к дате на { DEVICE() ->
    [computer] компьютере
   *[phone] телефоне
}; проверьте дату и попробуйте ещё раз.
sign-in-not-a-desk = По адресу { $name } поддержка не отвечает; проверьте адрес.
sign-in-wrong-code = Код неверный; посмотрите в последнем письме и попробуйте ещё раз.
sign-in-wrong-code-tries = Код неверный; { $tries ->
    [one] осталась { $tries } попытка
    [few] осталось { $tries } попытки
    [many] осталось { $tries } попыток
   *[other] осталось { $tries } попытки
}.
sign-in-code-expired = Код больше не действует; запросите новый.
sign-in-come-later = Слишком много попыток; вернитесь через { $seconds ->
    [one] { $seconds } секунду
    [few] { $seconds } секунды
    [many] { $seconds } секунд
   *[other] { $seconds } секунды
}.
sign-in-app-too-old = Нужна новая версия приложения; обновите его и войдите снова.
