# Phrases of time. $day is today, tomorrow, yesterday or other; $clock is like 14:30; $date is one of the two dates
# below. A no-break space keeps a clock with its little word.

date = { $day }{"\u00A0"}{ $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
}
date-year = { $date } { $year }

time = { $day ->
    [today] { $clock }
    [tomorrow] tomorrow, { $clock }
    [yesterday] yesterday, { $clock }
   *[other] { $date }, { $clock }
}
time-at = { $day ->
    [today] at{"\u00A0"}{ $clock }
    [tomorrow] tomorrow at{"\u00A0"}{ $clock }
    [yesterday] yesterday at{"\u00A0"}{ $clock }
   *[other] on { $date } at{"\u00A0"}{ $clock }
}
time-since = { $day ->
    [today] since{"\u00A0"}{ $clock }
    [tomorrow] since tomorrow, { $clock }
    [yesterday] since yesterday, { $clock }
   *[other] since { $date }, { $clock }
}
time-by = { $day ->
    [today] by{"\u00A0"}{ $clock }
    [tomorrow] by{"\u00A0"}{ $clock } tomorrow
    [yesterday] by{"\u00A0"}{ $clock } yesterday
   *[other] by { $date }, { $clock }
}
time-from = { $day ->
    [today] from{"\u00A0"}{ $clock }
    [tomorrow] from tomorrow, { $clock },
    [yesterday] from yesterday, { $clock },
   *[other] from { $date }, { $clock },
}
time-to = { $day ->
    [today] to{"\u00A0"}{ $clock }
    [tomorrow] to tomorrow, { $clock }
    [yesterday] to yesterday, { $clock }
   *[other] to { $date }, { $clock }
}

size-b = { $number }{"\u00A0"}B
size-kb = { $number }{"\u00A0"}KB
size-mb = { $number }{"\u00A0"}MB
size-gb = { $number }{"\u00A0"}GB
