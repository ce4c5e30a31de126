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
