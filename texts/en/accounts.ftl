# Signing in and out, where an account stands, and what could not be done: what happened, what now.

account-idle = Everything is here
account-running = Looking for news
account-offline = Offline — everything is saved on this { DEVICE() ->
    [computer] computer
   *[phone] phone
}
account-waiting = The desk does not answer. Again { $at }
account-not-signed-in = Sign in, then everything here goes out
account-signed-out = Sign in again, what is unsent is safe
account-app-too-old = A newer version of the app is needed: update it; what is unsent is safe
account-damaged = Some files are damaged; what you wrote can be read and exported
account-as-of = as of { $time }

unsent = { $ops ->
    [one] { $ops } step
   *[other] { $ops } steps
}, { $files ->
    [one] { $files } file
   *[other] { $files } files
} and { $drafts ->
    [one] { $drafts } draft
   *[other] { $drafts } drafts
} not sent

trouble-not-found-account = There is no such account here; see the accounts and name one of them.
trouble-not-found-ticket = There is no ticket “{ $name }” here; look at the list, or load news first.
trouble-not-found-op = Nothing in the outbox is called “{ $name }”; it may be settled already.
trouble-not-found-draft = There is no draft “{ $name }”; look at the drafts.
trouble-not-found-attachment = There is no file “{ $name }” here; look at the ticket for its files.
trouble-not-found-session = There is no device “{ $name }”; look at the devices.
trouble-ambiguous-account = Several accounts fit; name one of them: { $candidates }.
trouble-ambiguous-ticket = “{ $name }” fits several tickets; name one of them: { $candidates }.
trouble-ambiguous = “{ $name }” fits several; name one of them: { $candidates }.
trouble-invalid = This cannot be kept as it is, { $field }: { $reason }. Correct it and try again; your words are unchanged.
trouble-not-now = Not possible now: { $reason }.
trouble-would-leave-words = { $unsent }; let them go out first, or sign out all the same: they then wait here, locked, until you sign in again.
trouble-signed-out = Nobody is signed in; sign in first.
trouble-offline = This needs a connection, and you chose to stay offline; try again without that.
trouble-unreachable = The desk cannot be reached; check the connection and try again.
trouble-outbox-full = Too much waits to be sent already; connect, let it go out and try again.
trouble-disk-full = There is no free space left; free some and try again.
trouble-read-only = This account can only be read and exported: { $reason }.
trouble-file = { $path }: { $reason }.
trouble-closed = The app is closing; start it again.
trouble-defect = Something went wrong inside, and nothing was changed: { $reason }.
trouble-locked = The device is locked; unlock it and try again.
trouble-open = The folder { $path } cannot be opened: { $reason }. Nothing in it was changed.

sign-in-invalid-server-url = “{ $name }” is no address of a desk; it looks like https://desk.example.com, and plain http works on this very device alone.
sign-in-invalid-email = “{ $name }” is no e-mail address; check it.
sign-in-invalid-code = A code is six digits; look at the newest mail from the desk.
sign-in-check-date = The desk's certificate does not fit the date of this { DEVICE() ->
    [computer] computer
   *[phone] phone
}; check the date and try again.
sign-in-not-a-desk = No desk answers at { $name }; check the address.
sign-in-wrong-code = The code is wrong; look at the newest mail and try again.
sign-in-wrong-code-tries = The code is wrong; { $tries ->
    [one] { $tries } try is left
   *[other] { $tries } tries are left
}.
sign-in-code-expired = The code is no longer good; ask for a new one.
sign-in-come-later = Too many tries; come back in { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}.
sign-in-app-too-old = A newer version of the app is needed; update it and sign in again.
