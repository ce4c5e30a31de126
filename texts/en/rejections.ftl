# Why the desk did not take something: a clause after “Needs you:”, then what helps. One for every code of
# protocol::sync::code, named rejected- and the code with dashes.
rejected-op-id-reused = the desk holds something else under its id; send it again
rejected-digest = it arrived damaged; send it again
rejected-unknown-kind = the desk does not know this kind of request yet; copy the text and tell it otherwise
rejected-invalid = something in it is not as the desk needs it; correct it
rejected-too-long = the text is longer than the desk takes; shorten it
rejected-too-many-files = there are more files than the desk takes; remove some
rejected-file-too-large = a file is larger than the desk takes; remove it
rejected-id-taken = the desk holds something else under this id; send it again
rejected-ticket-gone = the desk no longer has this ticket; file a new one with these words
rejected-erased = the desk erased it; nothing of it is left
rejected-left = you no longer see this ticket; copy the text or file a new ticket
rejected-no-right = you may not do this here; copy the text or choose another ticket
rejected-moved-on = the ticket has moved on since you asked; look at it again
rejected-not-solved = the ticket is not solved yet; confirm it when it is
rejected-already-closed = the ticket is closed already; file a follow-up
rejected-reopen-window-passed = the time to reopen it has passed; file a follow-up, your words go with it
rejected-rating-window-passed = the time to rate it has passed
rejected-unknown-person = the desk knows nobody by this address; check it
rejected-not-refused = the desk has taken it meanwhile; there is nothing left to change
rejected-other = the desk gave the reason “{ $code }”; copy the text and ask the desk

# The help desk behind refused it after it was taken.
refused-other = the desk refused it, reason “{ $code }”; change the words or copy them
