package pocketdesk.hosts

import java.io.BufferedReader
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Files
import java.nio.file.Path
import java.util.Base64
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.deleteRecursively
import kotlin.io.path.readBytes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonArray
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put

/** How long anything may take; generous, because these machines are shared. */
val patience = 60.seconds

/** The photo of the stories; tests run in the module's folder. */
val photo: Path = Path.of("../../corpus/files/till.png").toAbsolutePath().normalize()

/** "My monitor flickers every few minutes and then goes black …": 16 kHz, 16 bits, without the file's header. */
fun spoken(): ByteArray = photo.resolveSibling("monitor.wav").readBytes().run { copyOfRange(44, size) }

/** The company's side: the real server as a program of its own, on a loopback port and a folder of its own. */
class Desk private constructor(private val folder: Path, private val server: Process) : AutoCloseable {
    private val lines: BufferedReader = server.inputStream.bufferedReader()
    lateinit var url: String
        private set
    lateinit var staff: Staff
        private set

    /** The code that would have been mailed to [email]. */
    suspend fun code(email: String): String {
        while (true) {
            val said = says("code")
            if (said.text("email") == email) return said.text("code")
        }
    }

    private suspend fun says(event: String): JsonElement = withTimeout(patience) {
        runInterruptible(Dispatchers.IO) {
            lines.lineSequence().map { Json.parseToJsonElement(it) }.first { it.text("event") == event }
        }
    }

    @OptIn(ExperimentalPathApi::class)
    override fun close() {
        server.destroy()
        server.waitFor()
        folder.deleteRecursively()
    }

    companion object {
        private val program: String = System.getenv("POCKETDESK_DESK_PROGRAM")

        suspend fun open(): Desk {
            val folder = Files.createTempDirectory("desk-")
            val server = ProcessBuilder(program, "serve", "--development", "--listen", "127.0.0.1:0", "--data", "$folder")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .apply { environment()["POCKETDESK_SERVER_LOG"] = "warn" }
                .start()
            val desk = Desk(folder, server)
            desk.url = "http://${desk.says("listening").text("addr")}"
            val asked = ProcessBuilder(program, "staff-token", "--data", "$folder").start()
            desk.staff = Staff(desk.url, asked.inputStream.bufferedReader().readText().trim())
            return desk
        }
    }
}

/** The desk's own people, through the real staff API. */
class Staff(private val url: String, private val token: String) {
    private val web = HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build()

    private suspend fun ask(method: String, path: String, body: JsonElement? = null): ByteArray = runInterruptible(Dispatchers.IO) {
        val asked = HttpRequest.newBuilder(URI("$url$path"))
            .header("authorization", "Bearer $token")
            .header("content-type", "application/json")
            .method(method, body?.let { BodyPublishers.ofString("$it") } ?: BodyPublishers.noBody())
            .build()
        val answer = web.send(asked, BodyHandlers.ofByteArray())
        check(answer.statusCode() in 200..299) { "$method $path: ${answer.statusCode()}: ${String(answer.body())}" }
        answer.body()
    }

    private suspend fun post(ticket: String, what: String, body: JsonElement) {
        ask("POST", "/staff/tickets/$ticket/$what", body)
    }

    /** Answers the requester, with a small file if it has a [name]. */
    suspend fun reply(ticket: String, text: String, name: String? = null, content: ByteArray = ByteArray(0)) {
        val files = buildJsonArray {
            if (name != null) {
                addJsonObject {
                    put("name", name)
                    put("content_base64", Base64.getEncoder().encodeToString(content))
                }
            }
        }
        post(
            ticket,
            "reply",
            buildJsonObject {
                put("text", text)
                put("files", files)
            },
        )
    }

    /** Notes what no requester may see. */
    suspend fun note(ticket: String, text: String) = post(ticket, "note", buildJsonObject { put("text", text) })

    /** new, open, waits_for_requester, solved or closed. */
    suspend fun status(ticket: String, status: String) = post(ticket, "status", buildJsonObject { put("status", status) })

    /** Promises an answer by [at] (ms since the epoch), or moves the promise and says why. */
    suspend fun promise(ticket: String, at: Long, reason: String? = null) = post(
        ticket,
        "deadline",
        buildJsonObject {
            put("at", at)
            put("reason", reason)
        },
    )

    /** Asks to be rated. */
    suspend fun askRating(ticket: String) = post(ticket, "rating-request", buildJsonObject {})

    /** One ticket with all that belongs to it, as the desk has it. */
    suspend fun ticket(ticket: String): String = String(ask("GET", "/staff/tickets/$ticket"))

    /** The bytes of a requester's file. */
    suspend fun file(attachment: String): ByteArray = ask("GET", "/staff/attachments/$attachment")
}

private fun JsonElement.text(field: String): String = jsonObject.getValue(field).jsonPrimitive.content

/** The bytes of [this] file. */
fun Path.bytes(): List<Byte> = readBytes().asList()
