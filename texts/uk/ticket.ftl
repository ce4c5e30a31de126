# Де заявка, простими словами.
status-new = Прийнято
status-open = У роботі
status-waits-for-requester = Чекає на вас
status-solved = Вирішено. Перевірте, чи все працює
status-closed = Закрито

# Одне-два слова, для стовпця.
status-short-new = Прийнято
status-short-open = У роботі
status-short-waits-for-requester = Чекає на вас
status-short-solved = Вирішено
status-short-closed = Закрито

# $by, $from, $to — звороти з times.ftl.
promise = Відповімо { $by }
promise-moved = Термін перенесли { $from } { $to }
promise-moved-reason = Термін перенесли { $from } { $to }: { $reason }
promise-missed = Обіцяли { $by }, не встигли
reopen-until = Можна повернути в роботу { $by }
is-it-fixed = Питання вирішено?
rating-asked = Оцініть роботу, від 1 до { $max }
rating-mine = Ваша оцінка: { $value } з { $max }
already-reported = Схоже, про це вже повідомили

# Що сталося, в історії заявки.
event-created = Нова заявка: { $who }
event-status = { $who }: { $to }
event-assignee = Тепер займається { $name }
event-nobody = Зараз ніхто не займається
event-deadline-set = { $who }: обіцяно відповідь { $by }
event-deadline-moved = { $who }: термін перенесено { $from } { $to }
event-deadline-moved-reason = { $who }: термін перенесено { $from } { $to }: { $reason }
event-deadline-gone = { $who }: обіцяний термін знято
event-rating-asked = { $who }: просимо оцінити роботу
event-rated = { $who }: оцінка { $value }
event-rated-comment = { $who }: оцінка { $value }, «{ $comment }»
event-participant-added = Тепер стежить { $name }
event-participant-removed = Більше не стежить { $name }
event-merged = Продовження в іншій заявці
event-other = Змінилося те, чого ця версія показати не вміє

me = Ви
the-desk = Підтримка
