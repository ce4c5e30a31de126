# Speech: recording it, and making words of it.

voice-not-built = This build cannot turn speech into text; type the words, or attach the recording.
voice-no-model = No speech model is on this device yet; “pocketdesk models” shows how to get one. Until then a recording can be attached and sent.
voice-busy = Another recording is being made or turned into text; wait for it, or cancel it.
voice-bad-audio = { $name }: the sound cannot be used: { $reason }.
voice-ended = This recording has ended; start another one.
voice-failed = { $name }: { $reason }.
voice-sound-format = { $name }: this is no recording that can be read here; wav, flac, mp3, ogg and m4a can.
voice-sound-no-track = { $name }: there is no sound in this file.
voice-sound-codec = { $name }: the sound in it is of a kind that cannot be read here; save it as wav, flac, mp3, ogg or m4a.
voice-sound-damaged = { $name }: the recording is damaged, nothing of it can be read; use another copy.
voice-sound-cut = { $name }: the recording ends before it should; what is there was heard.
voice-sound-damaged-in-part = { $name }: some of the recording is damaged and was left out.
voice-nobody-spoke = No words were heard.

# What is said, and what becomes of it.
voice-speak = Speak; Enter ends it, Ctrl-C forgets it.
voice-forgotten = Forgotten; nothing of it was kept.
voice-stopped = Stopped; the recording is kept. To make a draft of it: pocketdesk recordings hear { $id }.
voice-hearing = Listening to the recording…
voice-microphone = The microphone
voice-no-microphone = The microphone cannot be used: { $reason }. Give a recording with --file.
voice-no-microphone-built = This build has no microphone; give a recording with --file.
voice-microphone-gone = No more is recorded ({ $reason }); what was said until then is kept. Press Enter.
voice-cannot-reopen = { $name } cannot be reopened now; reply to it with --into-comment.
voice-words-later = There are no words yet; the recording is kept and can be sent. Once there is a speech model: pocketdesk recordings hear { $id }
voice-kept = Kept as a draft; send it with: pocketdesk drafts send { $id }
voice-ask = [s]end, [e]dit, without the [r]ecording, [k]eep as a draft, [d]iscard?
voice-ask-without = [s]end, [e]dit, [k]eep as a draft, [d]iscard?
voice-subject = Voice message
voice-guess-type = Type: { $name }
voice-guess-service = Service: { $name }
voice-guess-site = Place: { $name }
voice-guess-urgency = Urgency: { $name }

voice-recording-cut = A recording of { $at } was cut ({ $seconds } s are there). To make a draft of it: pocketdesk recordings hear { $id }
voice-no-recordings = There are no recordings without their words.
voice-state-cut = cut, { $seconds } s
voice-state-waiting = waits for a speech model, { $seconds } s

voice-no-models = There are no speech models here, and your desk offers none.
voice-no-models-here = There are no speech models on this computer.
voice-models-beside = Used while there is none of your company’s: the models in { $path }
voice-model-offered = can be fetched
voice-model-recommended = can be fetched, suits this computer
voice-model-fetching = is coming
voice-model-stopped = a part is here; fetch it again to go on
voice-model-ready = is used
voice-model-superseded = is used; a newer one can be fetched
voice-model-fetched = { $id } is here; speech becomes words on this computer now.
voice-model-removed = { $id } is gone from this computer.
voice-model-cancelled = Stopped; what came is kept, fetch it again to go on.

trouble-not-found-recording = There is no recording “{ $name }” here; “pocketdesk recordings” lists them.
trouble-not-found-speech-model = There is no speech model “{ $name }” here or at your desk; “pocketdesk models” lists them.
trouble-model-keys = POCKETDESK_MODEL_KEYS holds something that is no key; a key has 64 hex digits, and spaces stand between keys.
