# Words of the command line alone.

terminal-no-home = There is no home folder to keep accounts in; name one with --data.
terminal-no-words = There is nothing to send without words; write some, or give them with an option.
terminal-not-text = What came on stdin is no text; send it with --attach instead.
terminal-editor-failed = The editor “{ $editor }” did not end well; nothing was sent.
terminal-words-kept = Your words are in { $path }.
terminal-words-left = Unsent words of an earlier time are in { $path }; send them, or delete the file.
terminal-stopped = Stopped; nothing was changed.
terminal-stopped-saved = Stopped; what waits is saved and goes out next time.
# Nobody is there to try again once the command has ended.
terminal-retrying = Did not go: { $reason }. It goes with the next sync
terminal-hint-new =
    The first line is the subject, the rest the description.
    What stands below the line of dashes is left out.
    An empty text sends nothing.
terminal-hint-reply =
    Write your words above the line of dashes.
    An empty text sends nothing.

terminal-code-sent = If the desk knows { $email }, a mail with a code is on its way. The code is good for { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}.
terminal-code-ask = The code from the mail:
terminal-code-finish = To finish, run: { $command }
terminal-choose-unbound = Something was filed here before you signed in; say --bind to send it from this account, or --leave to let it wait. The code is still good.
terminal-bind-ask = Something was filed here before you signed in. Send it as { $email }? [y/n]
terminal-yes = yes
terminal-welcome = Hello, { $person }! You are signed in to { $desk }.
terminal-signed-out = Signed out; what came from the desk is no longer here.
terminal-left-behind = { $unsent }; it waits here, locked, until you sign in again.
terminal-this-device = this one
terminal-device-ended = Ended.

terminal-no-tickets = There are no tickets here yet.
terminal-more = and { $count } more
terminal-unread = { $count } new
terminal-needs-you = { $count ->
    [one] { $count } needs you
   *[other] { $count } need you
}
terminal-waiting = { $count ->
    [one] { $count } waits to go out
   *[other] { $count } wait to go out
}
terminal-followed-by = Also followed by { $names }
terminal-nothing-found = Nothing here says “{ $query }”.
terminal-no-drafts = There are no drafts.
terminal-no-files = This ticket has no files.
terminal-outbox-empty = Nothing waits; everything has arrived.
terminal-outbox-file = File
terminal-discarded = Discarded.
terminal-when-answered = It is on its way; this is done as soon as its answer is here.
terminal-synced = Sent: { $pushed }, new: { $pulled }
terminal-watching = { $count ->
    [one] Watching { $count } ticket
   *[other] Watching { $count } tickets
}; Ctrl-C ends it.

terminal-export-taken = { $path } is there already and not empty; name a new folder.
terminal-exported = Written to { $path }: { $tickets ->
    [one] { $tickets } ticket
   *[other] { $tickets } tickets
}, { $comments ->
    [one] { $comments } reply
   *[other] { $comments } replies
}, { $files ->
    [one] { $files } file
   *[other] { $files } files
}, { $unsent } not sent yet.
terminal-export-missing = Not on this computer, so not written: { $name }
