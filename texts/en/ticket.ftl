# Where a ticket is, in plain words.
status-new = Accepted
status-open = In progress
status-waits-for-requester = Needs you
status-solved = Solved. Please check that it works
status-closed = Closed

# One or two words, for a column.
status-short-new = Accepted
status-short-open = In progress
status-short-waits-for-requester = Needs you
status-short-solved = Solved
status-short-closed = Closed

# $by, $from, $to are phrases of times.ftl.
promise = We answer { $by }
promise-moved = The time moved { $from } { $to }
promise-moved-reason = The time moved { $from } { $to }: { $reason }
promise-missed = Promised { $by }, missed
reopen-until = You can reopen it { $by }
is-it-fixed = Is it fixed?
rating-asked = Please rate the work, from 1 to { $max }
rating-mine = Your mark: { $value } of { $max }
already-reported = It seems this is already reported

# What happened, in a ticket's history.
event-created = { $who } filed it
event-status = { $who }: { $to }
event-assignee = { $name } has it now
event-nobody = Nobody has it now
event-deadline-set = { $who } promised an answer { $by }
event-deadline-moved = { $who } moved the time { $from } { $to }
event-deadline-moved-reason = { $who } moved the time { $from } { $to }: { $reason }
event-deadline-gone = { $who } took the promised time back
event-rating-asked = { $who } asks for a rating
event-rated = { $who } rated: { $value }
event-rated-comment = { $who } rated: { $value }, “{ $comment }”
event-participant-added = { $name } follows it now
event-participant-removed = { $name } no longer follows it
event-merged = It goes on in another ticket
event-other = Something changed that this version cannot show

me = You
the-desk = The desk
