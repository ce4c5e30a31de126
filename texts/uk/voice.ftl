# Мовлення: записати його й зробити з нього слова.

voice-not-built = Ця збірка не перетворює мовлення на текст; наберіть слова або прикладіть запис.
voice-no-model = На цьому пристрої ще немає мовної моделі; «pocketdesk models» покаже, як її отримати. Доти запис можна прикласти й надіслати.
voice-busy = Зараз записується або розпізнається інший запис; дочекайтеся його або скасуйте.
voice-bad-audio = { $name }: звук не підходить: { $reason }.
voice-ended = Цей запис закінчено; почніть новий.
voice-failed = { $name }: { $reason }.
voice-sound-format = { $name }: це не запис, який тут можна прочитати; підійдуть wav, flac, mp3, ogg і m4a.
voice-sound-no-track = { $name }: у цьому файлі немає звуку.
voice-sound-codec = { $name }: звук у ньому такого виду, який тут не читається; збережіть його як wav, flac, mp3, ogg або m4a.
voice-sound-damaged = { $name }: запис пошкоджено, прочитати з нього нічого не можна; візьміть іншу копію.
voice-sound-cut = { $name }: запис обривається раніше кінця; почуто те, що є.
voice-sound-damaged-in-part = { $name }: частину запису пошкоджено й пропущено.
voice-nobody-spoke = Слів не чути.

# Що сказано й що з цього виходить.
voice-speak = Говоріть; Enter закінчить, Ctrl-C забуде.
voice-forgotten = Забуто; нічого не збережено.
voice-stopped = Зупинено; запис збережено. Зробити з нього чернетку: pocketdesk recordings hear { $id }.
voice-hearing = Запис розпізнається…
voice-microphone = Мікрофон
voice-no-microphone = Мікрофоном не скористатися: { $reason }. Дайте запис через --file.
voice-no-microphone-built = У цій збірці немає мікрофона; дайте запис через --file.
voice-microphone-gone = Запис закінчився ({ $reason }); сказане до того збережено. Натисніть Enter.
voice-cannot-reopen = { $name } зараз не можна відкрити знову; відповідайте через --into-comment.
voice-words-later = Слів поки немає; запис збережено, його можна надіслати. Коли буде мовна модель: pocketdesk recordings hear { $id }
voice-kept = Збережено чернеткою; надіслати: pocketdesk drafts send { $id }
voice-ask = [s] надіслати, [e] правити, [r] без запису, [k] лишити чернеткою, [d] видалити?
voice-ask-without = [s] надіслати, [e] правити, [k] лишити чернеткою, [d] видалити?
voice-subject = Голосове повідомлення
voice-guess-type = Тип: { $name }
voice-guess-service = Послуга: { $name }
voice-guess-site = Місце: { $name }
voice-guess-urgency = Терміновість: { $name }

voice-recording-cut = Запис від { $at } обірвався (є { $seconds } с). Зробити з нього чернетку: pocketdesk recordings hear { $id }
voice-no-recordings = Записів без слів немає.
voice-state-cut = обірвався, { $seconds } с
voice-state-waiting = чекає на мовну модель, { $seconds } с

voice-no-models = Мовних моделей тут немає, і підтримка їх не пропонує.
voice-no-models-here = На цьому комп'ютері немає мовних моделей.
voice-models-beside = Поки немає моделі вашої компанії, використовуються моделі з { $path }
voice-model-offered = можна завантажити
voice-model-recommended = можна завантажити, підходить цьому комп'ютеру
voice-model-fetching = завантажується
voice-model-stopped = завантажено частину; завантажте знову, щоб продовжити
voice-model-ready = використовується
voice-model-superseded = використовується; можна завантажити новішу
voice-model-fetched = { $id } тут; тепер мовлення стає словами на цьому комп'ютері.
voice-model-removed = { $id } більше немає на цьому комп'ютері.
voice-model-cancelled = Зупинено; завантажене збережено, завантажте знову, щоб продовжити.

trouble-not-found-recording = Запису «{ $name }» тут немає; «pocketdesk recordings» покаже всі.
trouble-not-found-speech-model = Мовної моделі «{ $name }» немає ні тут, ні в підтримки; «pocketdesk models» покаже всі.
trouble-model-keys = У POCKETDESK_MODEL_KEYS є те, що не ключ; у ключі 64 шістнадцяткові цифри, між ключами пробіли.
