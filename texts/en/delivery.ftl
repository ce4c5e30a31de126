# Where a person's words are. DEVICE() is "phone" in the apps and "computer" in a terminal.
# $at, $since, $when are phrases of times.ftl; $reason is a clause without a capital or a full stop.

delivery-draft = Draft
delivery-saved = Saved on this { DEVICE() ->
    [computer] computer
   *[phone] phone
}
delivery-sending = Sending
delivery-sending-bytes = Sending: { $sent } of { $total }
delivery-delivered = Delivered { $at }
delivery-registered = In the ticket
delivery-registered-number = Registered as №{ $number }
delivery-retrying = Did not go: { $reason }. Again { $at }
delivery-attention = Needs you: { $reason }

waits-network = Waits for a connection { $since }
waits-wifi = Waits for Wi-Fi { $since }
waits-lane = Waits for your step before it { $since }
waits-ticket = Waits for its ticket to arrive { $since }
waits-sign-in = Waits for you to sign in { $since }
waits-newer-app = Waits for a newer version of the app { $since }

retry-network = there is no connection
retry-busy = the desk asked to come later
retry-server = the desk does not answer
retry-wrong-date = the date of this { DEVICE() ->
    [computer] computer
   *[phone] phone
} is wrong, please check it

attention-cannot-take = the desk did not take it after many tries. We keep trying every hour; copy the text to be safe
attention-file-vanished = the file “{ $name }” is no longer on this { DEVICE() ->
    [computer] computer
   *[phone] phone
}
attention-words = { $reason } (“{ $words }”)

# Labels of the actions that end attention.
remedy-edit = Edit
remedy-retry = Send again
remedy-discard = Discard
remedy-file-anew = File a new ticket
remedy-follow-up = File a follow-up
remedy-copy-text = Copy the text
remedy-sign-in = Sign in
remedy-remove-file = Remove the file

# How much of a file others can see.
file-pending = Still on its way
file-complete = Whole
file-missing = Did not arrive whole

direction-up = Sending
direction-down = Loading

# What an op does, in the outbox.
op-ticket-create = New ticket
op-ticket-confirm = Solved
op-ticket-reopen = Not solved
op-ticket-withdraw = Taken back
op-comment-add = Reply
op-attachment-add = File
op-rating-set = Rating
op-read-mark = Read
op-read-unmark = Unread
op-participant-add = New participant
op-participant-remove = Participant removed
op-entity-amend = New words
op-entity-withdraw = Words taken back
op-other = Change
