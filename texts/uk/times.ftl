# Звороти часу. $day — today, tomorrow, yesterday або other; $clock вигляду 14:30; $date — одна з двох дат нижче.
# Нерозривний пробіл тримає час поряд із прийменником.

date = { $day }{"\u00A0"}{ $month ->
    [1] січня
    [2] лютого
    [3] березня
    [4] квітня
    [5] травня
    [6] червня
    [7] липня
    [8] серпня
    [9] вересня
    [10] жовтня
    [11] листопада
   *[12] грудня
}
date-year = { $date } { $year }{"\u00A0"}року

time = { $day ->
    [today] { $clock }
    [tomorrow] завтра, { $clock }
    [yesterday] учора, { $clock }
   *[other] { $date }, { $clock }
}
time-at = { $day ->
    [today] о{"\u00A0"}{ $clock }
    [tomorrow] завтра о{"\u00A0"}{ $clock }
    [yesterday] учора о{"\u00A0"}{ $clock }
   *[other] { $date } о{"\u00A0"}{ $clock }
}
time-since = { $day ->
    [today] з{"\u00A0"}{ $clock }
    [tomorrow] із завтра, { $clock }
    [yesterday] від учора, { $clock }
   *[other] з{"\u00A0"}{ $date }, { $clock }
}
time-by = { $day ->
    [today] до{"\u00A0"}{ $clock }
    [tomorrow] завтра до{"\u00A0"}{ $clock }
    [yesterday] учора до{"\u00A0"}{ $clock }
   *[other] до{"\u00A0"}{ $clock } { $date }
}
time-from = { $day ->
    [today] з{"\u00A0"}{ $clock }
    [tomorrow] із завтра, { $clock },
    [yesterday] з учора, { $clock },
   *[other] з{"\u00A0"}{ $date }, { $clock },
}
time-to = { $day ->
    [today] на{"\u00A0"}{ $clock }
    [tomorrow] на завтра, { $clock }
    [yesterday] на вчора, { $clock }
   *[other] на{"\u00A0"}{ $date }, { $clock }
}

size-b = { $number }{"\u00A0"}Б
size-kb = { $number }{"\u00A0"}КБ
size-mb = { $number }{"\u00A0"}МБ
size-gb = { $number }{"\u00A0"}ГБ
