field-subject = the subject
field-text = the text
field-attachments = the files
field-value = the rating
field-email = the address
field-person = the person
field-file = the file
field-server-url = the address of the desk
field-code = the code

invalid-empty = nothing is there; write something
invalid-too-long = too long, at most { $limit } fit; shorten it
invalid-too-many = too many, at most { $limit } fit; leave some out
invalid-not-one-line = more than one line; keep it to one
invalid-out-of-range = not between 1 and { $max }
invalid-not-an-address = not an e-mail address
invalid-nobody-here = nobody who follows this ticket; give a name as it is shown, or an address
invalid-twice = there twice; leave one out
invalid-not-possible = not possible here; leave it out
invalid-too-large = too large, at most { $limit } bytes fit; leave it out or send a smaller one
invalid-folder = a folder; choose a file
invalid-missing = not there any more; choose it again
invalid-forbidden = this app may not read it; change its permissions, or choose another
invalid-unreadable = it cannot be read; choose it again
invalid-not-a-server = not the address of a desk

not-now-device-locked = the device is locked; unlock it and try again
not-now-files-busy = another program is using the account's files; try again
not-now-app-too-old = the desk needs a newer version of the app; update it
not-now-wrong-date = the desk's certificate does not fit this device's date; check the date
not-now-delivered = it was delivered already and stands as it is; write a further comment
not-now-ticket-moved = the ticket has moved on; look at it again
not-now-written-by-newer-app = it was written with a newer version of the app; update the app to change it
not-now-file-not-whole = its author's device has not sent the whole file yet; try again later

read-only-damaged = its files are damaged; export what can be read, then sign in again
read-only-newer-app = a newer version of the app wrote its files; update the app
read-only-not-migrated = its files could not be brought up to date; start the app again
