//! Codes by mail. The relay is a fake of forty lines that speaks SMTP and keeps what it gets; lettre in front of it is
//! the real one.

use std::{net::SocketAddr, time::Duration};

use pocketdesk_server::config::Mail;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// A relay on loopback; hands over every mail it takes.
async fn relay(answer_to_rcpt: &'static str) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, mails) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(talk(socket, answer_to_rcpt, tell.clone()));
        }
    });
    (addr, mails)
}

async fn talk(socket: TcpStream, rcpt: &str, tell: mpsc::UnboundedSender<String>) -> Option<()> {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 relay\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let answer = match line.split([' ', ':']).next().unwrap() {
            "EHLO" => "250-relay\r\n250 8BITMIME",
            "RCPT" => rcpt,
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push('\n');
                }
                tell.send(mail).ok()?;
                "250 taken"
            }
            "QUIT" => return None,
            _ => "250 fine",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    None
}

async fn desk_with(relay: SocketAddr) -> Desk {
    Desk::with(|config| {
        config.development = false;
        config.mail =
            Some(Mail { smtp: format!("smtp://{relay}"), from: "Help desk <desk@firm.example>".into() });
    })
    .await
}

#[tokio::test]
async fn the_code_arrives_by_mail_in_the_persons_language_and_lets_them_in() {
    let (addr, mut mails) = relay("250 fine").await;
    let desk = desk_with(addr).await;
    let secret = hex(&sha256(b"secret"));
    let challenge = hex(&sha256(&sha256(b"secret")));
    let body = json!({ "email": "olena@firm.example", "challenge": challenge, "locale": "uk" });
    let asked: SignInAsked = good(desk.ask(Method::POST, "/sign-in/email").json_body(&body)).await;
    let mail = tokio::time::timeout(Duration::from_secs(10), mails.recv()).await.expect("no mail").unwrap();
    assert!(mail.contains("To: olena@firm.example") && mail.contains("desk@firm.example"), "{mail}");
    let text = body_of(&mail);
    assert!(text.contains("хвилин"), "not in Ukrainian: {text}");
    let digits: Vec<_> = text.split(|c: char| !c.is_ascii_digit()).filter(|word| word.len() == 6).collect();
    let answer = desk.enter(&asked, &secret, digits[0], InstallId(new_id())).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_relay_that_refuses_or_is_gone_tells_the_asker_nothing() {
    let (refusing, _mails) = relay("550 no such user").await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for addr in [refusing, gone] {
        let desk = desk_with(addr).await;
        desk.asked("olena@firm.example").await;
    }
}

/// Undoes the transfer encoding lettre chose.
fn body_of(mail: &str) -> String {
    use base64::Engine;
    let (head, body) = mail.split_once("\n\n").unwrap();
    if head.contains("base64") {
        let packed: String = body.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    assert!(!head.contains("quoted-printable"), "{mail}");
    body.to_owned()
}
