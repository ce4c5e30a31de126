//! The benchmark's data: a company's help desk over three years, the same for every run and every machine.
//!
//! 10,000 tickets, 50,000 comments, 20,000 files by name; words of a help desk in Russian, Ukrainian and English, some
//! rare ones to search for; 200 tickets with exactly 30 comments or more for the detail query.

use pocketdesk_protocol::{
    ids::{AttachmentId, CommentId, EntityId, OpId, TicketId},
    op::{AttachmentAddBody, CommentAddBody, FileRef, TicketCreateBody, WireOp, digest, kind},
};

/// How much of everything.
#[derive(Clone, Copy)]
pub struct Size {
    pub tickets: usize,
    pub comments: usize,
    pub files: usize,
}

impl Size {
    /// What 8-performance speaks of.
    pub const FULL: Self = Self { tickets: 10_000, comments: 50_000, files: 20_000 };
    /// For a look at the benchmark itself.
    pub const SMALL: Self = Self { tickets: 500, comments: 2_500, files: 1_000 };
}

/// Words to search for: rare, common, of three languages.
pub const QUERIES: [&str; 5] = ["гальваника", "осциллографы", "kubernetes", "принтер", "договору"];

const WORDS: [&str; 3] = [
    "не работает принтер ошибка при входе пароль сброс доступ к общей папке почта не приходит письмо медленно загружается \
     страница обновление системы сеть кабинет этаж монитор мышь клавиатура замена картриджа настройка учётная запись новый \
     сотрудник ноутбук телефон вызов мастера заявка срочно пожалуйста проверьте спасибо проблема повторяется после \
     перезагрузки файл потерян восстановить резервная копия лицензия программа установить бухгалтерия отчёт выгрузка \
     документ подпись сертификат истёк договор оплата счёт клиент согласовано исполнитель назначен решение выполнено",
    "не працює принтер помилка під час входу пароль скинути доступ до спільної теки пошта не надходить лист повільно \
     завантажується сторінка оновлення системи мережа кабінет поверх монітор миша клавіатура заміна картриджа налаштування \
     обліковий запис новий співробітник ноутбук телефон виклик майстра заявка терміново будь ласка перевірте дякую",
    "printer offline login password reset access shared folder mail timeout slow page update network switch monitor laptop \
     account user ticket urgent please check thanks reboot file backup restore license install report export driver \
     certificate expired invoice token deadline",
];
const RARE: [&str; 4] = ["гальваника", "осциллограф", "kubernetes", "заземление"];

/// A small generator of our own: the data must be the same with every version of every library.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }

    /// A UUIDv7 of that moment.
    fn id(&mut self, at: i64) -> uuid::Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.next().to_le_bytes());
        random[8..].copy_from_slice(&self.next().to_le_bytes()[..2]);
        uuid::Builder::from_unix_timestamp_millis(at.unsigned_abs(), &random).into_uuid()
    }

    fn text(&mut self, words: &[Vec<&'static str>; 3], chars: usize) -> String {
        let language = &words[[0, 0, 0, 1, 1, 2][self.below(6)]];
        let mut text = String::new();
        let mut count = 0;
        while count < chars {
            let word = if self.below(2500) == 0 {
                RARE[self.below(RARE.len())]
            } else {
                language[self.below(language.len())]
            };
            if count > 0 {
                text.push(' ');
            }
            text.push_str(word);
            count += word.chars().count() + 1;
            if self.below(12) == 0 {
                text.push('.');
            }
        }
        text
    }
}

/// What is filed, as ops of the phones that filed it, in an order a server takes.
pub struct Data {
    /// All ops.
    pub ops: Vec<WireOp>,
    /// Tickets with at least 30 comments.
    pub long: Vec<TicketId>,
    /// Any ticket, to comment on.
    pub tickets: Vec<TicketId>,
}

/// Makes it.
pub fn generate(size: Size) -> Data {
    const FROM: i64 = 1_704_067_200_000;
    const SPAN: i64 = 90_000_000_000;
    let words = WORDS.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut chance = Chance(20_261_122);
    let mut data = Data { ops: Vec::new(), long: Vec::new(), tickets: Vec::new() };
    let mut times = Vec::new();
    for n in 0..size.tickets {
        let at = FROM + SPAN / size.tickets as i64 * n as i64;
        let id = TicketId(chance.id(at));
        let (title, lines) = (30 + chance.below(14), 250 + chance.below(90));
        let body = TicketCreateBody {
            subject: chance.text(&words, title),
            description: chance.text(&words, lines),
            attachments: Vec::new(),
            company: None,
            site: None,
            made_at: at,
        };
        data.ops.push(op(&mut chance, at, kind::TICKET_CREATE, id.into(), &body));
        data.tickets.push(id);
        times.push(at);
    }
    let long = 200.min(size.tickets / 10);
    for n in 0..size.comments {
        let in_long = n < long * 30 && size.comments >= long * 30;
        let ticket = if in_long { (n / 30) * 47 % size.tickets } else { chance.below(size.tickets) };
        let at = times[ticket] + chance.below(2_592_000_000) as i64;
        let id = CommentId(chance.id(at));
        let chars = 170 + chance.below(60);
        let body = CommentAddBody {
            ticket: data.tickets[ticket],
            text: chance.text(&words, chars),
            attachments: Vec::new(),
            made_at: at,
        };
        data.ops.push(op(&mut chance, at, kind::COMMENT_ADD, id.into(), &body));
    }
    data.long = (0..long).map(|n| data.tickets[n * 47 % size.tickets]).collect();
    for _ in 0..size.files {
        let ticket = chance.below(size.tickets);
        let at = times[ticket] + chance.below(2_592_000_000) as i64;
        let id = AttachmentId(chance.id(at));
        let ending = ["jpg", "png", "pdf", "docx", "log"][chance.below(5)];
        let word = words[0][chance.below(words[0].len())];
        let sha256 = (0..4).map(|_| format!("{:016x}", chance.next())).collect();
        let file = FileRef {
            id,
            name: format!("{word}_{}.{ending}", chance.below(100_000)),
            size: 1_000 + chance.below(5_000_000) as u64,
            sha256,
        };
        let body = AttachmentAddBody { ticket: data.tickets[ticket], file, made_at: at };
        data.ops.push(op(&mut chance, at, kind::ATTACHMENT_ADD, id.into(), &body));
    }
    data
}

fn op(chance: &mut Chance, at: i64, kind: &str, entity: EntityId, body: &impl serde::Serialize) -> WireOp {
    let body = serde_json::to_string(body).expect("a body is JSON");
    WireOp {
        op: OpId(chance.id(at)),
        entity,
        prev: None,
        kind: kind.into(),
        v: 1,
        sha256: digest(kind, 1, entity, &body),
        body,
        receipt: None,
        age_ms: None,
    }
}
