# Где заявка, простыми словами.
status-new = Принята
status-open = В работе
status-waits-for-requester = Ждёт вас
status-solved = Решена. Проверьте, всё ли работает
status-closed = Закрыта

# Одно-два слова, для столбца.
status-short-new = Принята
status-short-open = В работе
status-short-waits-for-requester = Ждёт вас
status-short-solved = Решена
status-short-closed = Закрыта

# $by, $from, $to — обороты из times.ftl.
promise = Ответим { $by }
promise-moved = Срок переехал { $from } { $to }
promise-moved-reason = Срок переехал { $from } { $to }: { $reason }
promise-missed = Обещали { $by }, не успели
reopen-until = Можно вернуть в работу { $by }
is-it-fixed = Вопрос решён?
rating-asked = Оцените работу, от 1 до { $max }
rating-mine = Ваша оценка: { $value } из { $max }
already-reported = Похоже, об этом уже сообщили

# Что произошло, в истории заявки.
event-created = Новая заявка: { $who }
event-status = { $who }: { $to }
event-assignee = Теперь занимается { $name }
event-nobody = Сейчас никто не занимается
event-deadline-set = { $who }: обещан ответ { $by }
event-deadline-moved = { $who }: срок переехал { $from } { $to }
event-deadline-moved-reason = { $who }: срок переехал { $from } { $to }: { $reason }
event-deadline-gone = { $who }: обещанный срок снят
event-rating-asked = { $who }: просим оценить работу
event-rated = { $who }: оценка { $value }
event-rated-comment = { $who }: оценка { $value }, «{ $comment }»
event-participant-added = Теперь следит { $name }
event-participant-removed = Больше не следит { $name }
event-merged = Продолжение в другой заявке
event-other = Изменилось то, чего эта версия показать не умеет

me = Вы
the-desk = Поддержка
