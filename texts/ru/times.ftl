# Обороты времени. $day — today, tomorrow, yesterday или other; $clock вида 14:30; $date — одна из двух дат ниже.
# Неразрывный пробел держит время рядом с предлогом.

date = { $day }{"\u00A0"}{ $month ->
    [1] января
    [2] февраля
    [3] марта
    [4] апреля
    [5] мая
    [6] июня
    [7] июля
    [8] августа
    [9] сентября
    [10] октября
    [11] ноября
   *[12] декабря
}
date-year = { $date } { $year }{"\u00A0"}года

time = { $day ->
    [today] { $clock }
    [tomorrow] завтра, { $clock }
    [yesterday] вчера, { $clock }
   *[other] { $date }, { $clock }
}
time-at = { $day ->
    [today] в{"\u00A0"}{ $clock }
    [tomorrow] завтра в{"\u00A0"}{ $clock }
    [yesterday] вчера в{"\u00A0"}{ $clock }
   *[other] { $date } в{"\u00A0"}{ $clock }
}
time-since = { $day ->
    [today] с{"\u00A0"}{ $clock }
    [tomorrow] с{"\u00A0"}завтра, { $clock }
    [yesterday] со вчера, { $clock }
   *[other] с{"\u00A0"}{ $date }, { $clock }
}
time-by = { $day ->
    [today] до{"\u00A0"}{ $clock }
    [tomorrow] завтра до{"\u00A0"}{ $clock }
    [yesterday] вчера до{"\u00A0"}{ $clock }
   *[other] до{"\u00A0"}{ $clock } { $date }
}
time-from = { $day ->
    [today] с{"\u00A0"}{ $clock }
    [tomorrow] с{"\u00A0"}завтра, { $clock },
    [yesterday] со вчера, { $clock },
   *[other] с{"\u00A0"}{ $date }, { $clock },
}
time-to = { $day ->
    [today] на{"\u00A0"}{ $clock }
    [tomorrow] на{"\u00A0"}завтра, { $clock }
    [yesterday] на{"\u00A0"}вчера, { $clock }
   *[other] на{"\u00A0"}{ $date }, { $clock }
}

size-b = { $number }{"\u00A0"}Б
size-kb = { $number }{"\u00A0"}КБ
size-mb = { $number }{"\u00A0"}МБ
size-gb = { $number }{"\u00A0"}ГБ
