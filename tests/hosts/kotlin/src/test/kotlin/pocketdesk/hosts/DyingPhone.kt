package pocketdesk.hosts

import java.nio.file.Path
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.runBlocking
import pocketdesk.core.Source

/** A phone in a process of its own: files a ticket with a photo, says its id, and waits to be killed. */
fun main(arguments: Array<String>): Unit = runBlocking {
    val (folder, photo, subject, description) = arguments
    val phone = openPhone(Path.of(folder), offline = true)
    val file = phone.attach(null, Source.Path(photo, null))
    println(phone.file(subject, description, listOf(file.id)).id)
    awaitCancellation()
}

/** What the killed phone had acknowledged. */
fun filedThenKilled(folder: Path, subject: String, description: String): String {
    val java = ProcessHandle.current().info().command().orElseThrow()
    val dying = ProcessBuilder(
        java,
        "-Djna.library.path=${System.getProperty("jna.library.path")}",
        "-cp",
        System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path"),
        "pocketdesk.hosts.DyingPhoneKt",
        "$folder",
        "$photo",
        subject,
        description,
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    val filed = dying.inputStream.bufferedReader().readLine() ?: error("the phone did not say what it filed")
    dying.destroyForcibly().waitFor()
    return filed
}
