# Речь: записать её и сделать из неё слова.

voice-not-built = Эта сборка не превращает речь в текст; наберите слова или приложите запись.
voice-no-model = На этом устройстве ещё нет речевой модели; «pocketdesk models» покажет, как её получить. До тех пор запись можно приложить и отправить.
voice-busy = Сейчас записывается или распознаётся другая запись; дождитесь её или отмените.
voice-bad-audio = { $name }: звук не подходит: { $reason }.
voice-ended = Эта запись закончена; начните новую.
voice-failed = { $name }: { $reason }.
voice-sound-format = { $name }: это не запись, которую здесь можно прочитать; подойдут wav, flac, mp3, ogg и m4a.
voice-sound-no-track = { $name }: в этом файле нет звука.
voice-sound-codec = { $name }: звук в нём такого вида, который здесь не читается; сохраните его как wav, flac, mp3, ogg или m4a.
voice-sound-damaged = { $name }: запись повреждена, прочитать из неё ничего нельзя; возьмите другую копию.
voice-sound-cut = { $name }: запись обрывается раньше конца; услышано то, что есть.
voice-sound-damaged-in-part = { $name }: часть записи повреждена и пропущена.
voice-nobody-spoke = Слов не слышно.

# Что сказано и что из этого выходит.
voice-speak = Говорите; Enter закончит, Ctrl-C забудет.
voice-forgotten = Забыто; ничего не сохранено.
voice-stopped = Остановлено; запись сохранена. Сделать из неё черновик: pocketdesk recordings hear { $id }.
voice-hearing = Запись распознаётся…
voice-microphone = Микрофон
voice-no-microphone = Микрофоном не воспользоваться: { $reason }. Дайте запись через --file.
voice-no-microphone-built = В этой сборке нет микрофона; дайте запись через --file.
voice-microphone-gone = Запись закончилась ({ $reason }); сказанное до этого сохранено. Нажмите Enter.
voice-cannot-reopen = { $name } сейчас нельзя открыть снова; ответьте через --into-comment.
voice-words-later = Слов пока нет; запись сохранена, её можно отправить. Когда будет речевая модель: pocketdesk recordings hear { $id }
voice-kept = Сохранено черновиком; отправить: pocketdesk drafts send { $id }
voice-ask = [s] отправить, [e] править, [r] без записи, [k] оставить черновиком, [d] удалить?
voice-ask-without = [s] отправить, [e] править, [k] оставить черновиком, [d] удалить?
voice-subject = Голосовое сообщение
voice-guess-type = Тип: { $name }
voice-guess-service = Услуга: { $name }
voice-guess-site = Место: { $name }
voice-guess-urgency = Срочность: { $name }

voice-recording-cut = Запись от { $at } оборвалась (есть { $seconds } с). Сделать из неё черновик: pocketdesk recordings hear { $id }
voice-no-recordings = Записей без слов нет.
voice-state-cut = оборвалась, { $seconds } с
voice-state-waiting = ждёт речевой модели, { $seconds } с

voice-no-models = Речевых моделей здесь нет, и поддержка их не предлагает.
voice-no-models-here = На этом компьютере нет речевых моделей.
voice-models-beside = Пока нет модели вашей компании, используются модели из { $path }
voice-model-offered = можно загрузить
voice-model-recommended = можно загрузить, подходит этому компьютеру
voice-model-fetching = загружается
voice-model-stopped = загружена часть; загрузите снова, чтобы продолжить
voice-model-ready = используется
voice-model-superseded = используется; можно загрузить новее
voice-model-fetched = { $id } здесь; теперь речь становится словами на этом компьютере.
voice-model-removed = { $id } больше нет на этом компьютере.
voice-model-cancelled = Остановлено; загруженное сохранено, загрузите снова, чтобы продолжить.

trouble-not-found-recording = Записи «{ $name }» здесь нет; «pocketdesk recordings» покажет все.
trouble-not-found-speech-model = Речевой модели «{ $name }» нет ни здесь, ни у поддержки; «pocketdesk models» покажет все.
trouble-model-keys = В POCKETDESK_MODEL_KEYS есть то, что не ключ; в ключе 64 шестнадцатеричные цифры, между ключами пробелы.
