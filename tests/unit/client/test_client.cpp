// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "common/fd_io.hpp"
#include "scripted_daemon.hpp"

using namespace jobmill;
using namespace jobmill::tests;

namespace {

/// A client whose peer has already said its welcome.
struct Peers {
    explicit Peers(const Client::Options& options = {.name = "test"}) : pair(*make_socket_pair())
    {
        REQUIRE(send_all(pair.theirs.get(), said(Welcome{.server = "jobmilld t"})));
        auto adopted = Client::adopt(pair.ours.release(), options);
        REQUIRE(adopted);
        client = std::make_unique<Client>(std::move(*adopted));
    }

    template <typename Message>
    void say(const Message& message)
    {
        REQUIRE(send_all(pair.theirs.get(), said(message)));
    }

    SocketPair pair;
    std::unique_ptr<Client> client;
};

/// A socket in a directory of its own.
struct ListeningPlace {
    ListeningPlace()
    {
        REQUIRE(::mkdtemp(directory.data()) != nullptr);
        path = directory + "/s";
        address.sun_family = AF_UNIX;
        path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        REQUIRE(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address),
                       sizeof address) == 0);
        REQUIRE(::listen(listening.get(), 4) == 0);
    }
    ~ListeningPlace()
    {
        (void)::unlink(path.c_str());
        (void)::rmdir(directory.c_str());
    }
    ListeningPlace(const ListeningPlace&) = delete;
    ListeningPlace& operator=(const ListeningPlace&) = delete;

    [[nodiscard]] UniqueFd accept() const
    {
        return UniqueFd{::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    }

    [[nodiscard]] bool try_connect(const UniqueFd& socket) const
    {
        return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                         sizeof address) == 0;
    }

    std::string directory = "/tmp/jobmill-test-XXXXXX";
    std::string path;
    sockaddr_un address{};
    UniqueFd listening{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

/// A variable of the environment as it is within a worker or a running job; unset afterwards.
class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name)
    {
        ::setenv(name_, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
    ~Variable()
    {
        ::unsetenv(name_);  // NOLINT(concurrency-mt-unsafe)
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

/// The names of the messages that were sent to this socket, from the preamble on.
std::vector<std::string> sent_to(int socket)
{
    std::vector<std::byte> buffer(100'000);
    const auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
    REQUIRE(size > static_cast<ssize_t>(preamble.size()));
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(ByteView{buffer}.first(static_cast<std::size_t>(size)).subspan(preamble.size()));
    std::vector<std::string> names;
    while (const auto frame = splitter.next().value_or(std::nullopt)) {
        names.emplace_back(find_message(frame->header.type)->name);
    }
    return names;
}

/// The parents of the jobs that were sent to this socket.
std::vector<std::optional<std::uint64_t>> parents_at(int socket)
{
    std::vector<std::byte> buffer(100'000);
    const auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
    REQUIRE(size > 0);
    FrameSplitter splitter{Link::client, Direction::to_daemon};
    splitter.feed(ByteView{buffer}.first(static_cast<std::size_t>(size)));
    std::vector<std::optional<std::uint64_t>> parents;
    while (const auto frame = splitter.next().value_or(std::nullopt)) {
        const auto request = decode_request(*frame);
        if (const auto* submit = std::get_if<Submit>(&*request)) {
            parents.push_back(submit->options.job->parent);
        } else if (const auto* many = std::get_if<SubmitMany>(&*request)) {
            parents.push_back(many->options.job->parent);
        }
    }
    return parents;
}

}  // namespace

TEST_CASE("a path that cannot be bound is refused before it is cut")
{
    const auto client = Client::connect("/" + std::string(200, 'x'));
    REQUIRE_FALSE(client);
    CHECK(client.error().what.find("107") != std::string::npos);
}

TEST_CASE("without a daemon the error names the path and says what to do")
{
    const auto client = Client::connect("/nonexistent/jobmill.sock");
    REQUIRE_FALSE(client);
    CHECK(client.error().code == Errc::not_found);
    CHECK(client.error().what.find("/nonexistent/jobmill.sock") != std::string::npos);
    CHECK(client.error().what.find("jobmill -s /nonexistent/jobmill.sock daemon start") !=
          std::string::npos);
}

TEST_CASE("a peer that closes without a welcome is an error")
{
    auto pair = *make_socket_pair();
    pair.theirs.reset();
    CHECK(Client::adopt(pair.ours.release(), {.name = "test"}).error().code == Errc::closed);
}

TEST_CASE("a daemon that leaves before its welcome is followed by the next one")
{
    const ListeningPlace place;
    UniqueFd served;
    std::thread daemons{[&] {
        for (int silent = 0; silent < 2; ++silent) {
            const UniqueFd socket = place.accept();
        }
        served = place.accept();
        (void)send_all(served.get(), said(Welcome{.server = "jobmilld t"}));
    }};
    const auto client = Client::connect(place.path, {.name = "test"});
    daemons.join();
    CHECK_MESSAGE(client.has_value(), client.error().what);
}

TEST_CASE("who is let in by nobody waits as long as he was told, or until he is interrupted")
{
    const ListeningPlace place;
    std::vector<UniqueFd> queue;
    do {
        queue.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    } while (place.try_connect(queue.back()));
    Client::Options options{.name = "test", .connect_timeout = std::chrono::milliseconds{50}};
    const auto late = Client::connect(place.path, options);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::system);
    CHECK(late.error().what.find(place.path) != std::string::npos);
    auto interrupt = *make_socket_pair();
    interrupt.theirs.reset();
    options.connect_timeout = std::chrono::hours{1};
    options.cancel_fd = interrupt.ours.get();
    const auto interrupted = Client::connect(place.path, options);
    REQUIRE_FALSE(interrupted);
    CHECK(interrupted.error().code == Errc::closed);
}

TEST_CASE("there is a pause before who closed at once is asked again")
{
    const ListeningPlace place;
    int sessions = 0;
    std::thread closing{[&] {
        while (place.accept()) {
            ++sessions;
        }
    }};
    const auto client = Client::connect(
        place.path, {.name = "test", .connect_timeout = std::chrono::milliseconds{100}});
    (void)::shutdown(place.listening.get(), SHUT_RDWR);
    closing.join();
    CHECK(client.error().code == Errc::closed);
    CHECK(sessions >= 1);
    CHECK(sessions <= 20);
}

TEST_CASE("no time is too long to wait for")
{
    const ListeningPlace place;
    std::thread daemon{[&] {
        const UniqueFd served = place.accept();
        Bytes heard(1000);
        (void)::recv(served.get(), heard.data(), heard.size(), 0);
        (void)send_all(served.get(), said(Welcome{.server = "jobmilld t"}));
        (void)::recv(served.get(), heard.data(), heard.size(), 0);
        (void)send_all(served.get(), said(Closing{.grace_ms = 1}));
    }};
    auto client = Client::connect(
        place.path, {.name = "test", .connect_timeout = std::chrono::milliseconds::max()});
    CHECK_MESSAGE(client.has_value(), client.error().what);
    if (client) {
        (void)client->ping();
        const auto event = client->next(std::chrono::milliseconds::max());
        CHECK((event && event->has_value()));
    }
    daemon.join();
}

TEST_CASE("run answers the result and what was streamed before it")
{
    Peers peers;
    peers.say(Accepted{.first = Tag{1}, .job = JobId{8}});
    peers.say(Chunk{Tag{1}, JobId{8}, 2, Stream::out, false, bytes_of("hi")});
    JobResult result;
    result.tag = Tag{1};
    result.job = JobId{8};
    result.size = 4;
    result.payload = bytes_of("5050");
    // The answers lie ready before the question is sent; the client reads them only after it.
    auto tag = peers.client->submit({.handler = "sum", .payload = bytes_of("100")});
    REQUIRE(tag);
    peers.say(result);
    const auto last = peers.client->answer(*tag);
    REQUIRE(last);
    CHECK(text_of(std::get<event::JobResult>(*last).payload) == "5050");
    CHECK(std::holds_alternative<event::Accepted>(*peers.client->poll_event()));
    CHECK(std::holds_alternative<event::Chunk>(*peers.client->poll_event()));
}

TEST_CASE("a job is unfinished until its last event is taken")
{
    Peers peers;
    const Tag tag = *peers.client->submit({.handler = "sum"});
    peers.say(Accepted{.first = tag, .job = JobId{8}});
    peers.say(JobResult{.tag = tag, .job = JobId{8}, .cause = {}, .payload = {}});
    std::size_t events = 0;
    while (peers.client->unfinished() > 0) {
        REQUIRE(peers.client->next());
        ++events;
    }
    CHECK(events == 2);
}

TEST_CASE("next answers none when the time is over")
{
    Peers peers;
    const auto event = peers.client->next(std::chrono::milliseconds{1});
    REQUIRE(event);
    CHECK_FALSE(*event);
}

TEST_CASE("an answer that was taken, or never asked for, is not waited for")
{
    Peers peers;
    const Tag tag = *peers.client->ping();
    peers.say(Pong{tag, {}});
    REQUIRE(peers.client->answer(tag));
    for (const Tag each : {tag, Tag{}, Tag{77}}) {
        CHECK(peers.client->answer(each).error().code == Errc::not_found);
    }
}

TEST_CASE("run() submits no detached job")
{
    Peers peers;
    CHECK(peers.client->run({.handler = "sum", .detached = true}).error().code == Errc::invalid);
    CHECK(peers.client->unfinished() == 0);
}

TEST_CASE("a refused request comes back from answer as an error")
{
    Peers peers;
    const auto tag = peers.client->cancel_job(JobId{5});
    peers.say(ErrorMessage{*tag,
                           {.code = "not_found",
                            .text = "no such live job",
                            .field = "job",
                            .limit = {},
                            .offset = {},
                            .retry_after_ms = {}}});
    const auto answer = peers.client->answer(*tag);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == Errc::not_found);
    CHECK(answer.error().what == "job: no such live job");
}

TEST_CASE("a daemon that goes away says how many jobs it leaves")
{
    Peers peers;
    REQUIRE(peers.client->submit({.handler = "a"}));
    peers.pair.theirs.reset();
    const auto event = peers.client->next();
    REQUIRE_FALSE(event);
    CHECK(event.error().code == Errc::closed);
    CHECK(event.error().what.find("1 job unfinished") != std::string::npos);
}

TEST_CASE("after half_close() nothing can be asked, and nothing waits to be sent")
{
    Peers peers{{.name = "test", .result_blobs = true, .descriptors = Client::Descriptors::always}};
    Client& client = *peers.client;
    const auto tag = client.submit({.handler = "sum", .payload = bytes_of("1")});
    const auto lent = client.submit({.handler = "big"});
    REQUIRE(tag);
    REQUIRE(lent);
    const Tag stored = *client.put(bytes_of("words"));
    REQUIRE(client.half_close());
    REQUIRE(client.half_close());
    const std::vector<ByteView> payloads(1);
    for (const Errc code :
         {client.submit({.handler = "sum"}).error().code,
          client.submit_many(payloads, {.handler = "sum"}).error().code,
          client.cancel(*tag).error().code, client.cancel_all().error().code,
          client.wait_job(JobId{1}).error().code, client.ping().error().code,
          client.put(bytes_of("x")).error().code, client.drop(stored).error().code}) {
        CHECK(code == Errc::invalid);
    }
    // Its result is given back, of which nobody is told any more.
    peers.say(Accepted{.first = *lent, .job = JobId{8}});
    const UniqueFd blob = *make_blob(100'000);
    const Bytes result =
        said(JobResult{.tag = *lent, .job = JobId{8}, .size = 100'000, .has_blob = true});
    const std::array<int, 1> descriptors{blob.get()};
    REQUIRE(send_all(peers.pair.theirs.get(), result, descriptors));
    while (client.unfinished() > 2) {
        REQUIRE(client.next());
    }
    CHECK((client.wanted_events() & POLLOUT) == 0);
}

TEST_CASE("what a daemon that has left cannot take is not kept to be sent")
{
    Peers peers;
    Client& client = *peers.client;
    peers.say(Closing{.grace_ms = 1});
    peers.pair.theirs.reset();
    REQUIRE(client.ping());
    REQUIRE(client.on_ready());
    CHECK(client.poll_event());
    CHECK((client.wanted_events() & POLLOUT) == 0);
    CHECK(client.flush().error().code == Errc::closed);
}

TEST_CASE("nothing is read while events wait to be taken")
{
    Peers peers;
    peers.say(Closing{.grace_ms = 1});
    REQUIRE(peers.client->on_ready());
    peers.say(Closing{.grace_ms = 2});
    REQUIRE(peers.client->on_ready());
    CHECK(peers.client->poll_event());
    CHECK_FALSE(peers.client->poll_event());
    REQUIRE(peers.client->on_ready());
    CHECK(peers.client->poll_event());
}

TEST_CASE("a loop wakes for events that were kept by another call")
{
    Peers peers;
    Client& client = *peers.client;
    const Tag ping = *client.ping();
    const Tag job = *client.submit({.handler = "sum"});
    peers.say(Accepted{.first = job, .job = JobId{8}});
    peers.say(Pong{ping, {}});
    REQUIRE(client.answer(ping));
    pollfd ready{client.fd(), client.wanted_events(), 0};
    CHECK(::poll(&ready, 1, 0) == 1);
    REQUIRE(client.on_ready());
    CHECK(client.poll_event());
    ready.events = client.wanted_events();
    CHECK(::poll(&ready, 1, 0) == 0);
}

TEST_CASE("a loop waits for the end of the session until it was told")
{
    Peers peers;
    Client& client = *peers.client;
    REQUIRE(client.submit({.handler = "sum"}));
    REQUIRE(client.on_ready());
    peers.pair.theirs.reset();
    int turns = 0;
    Result<void> alive;
    // As libuv does, which looks at nothing that was not asked for.
    while (alive && client.wanted_events() != 0 && turns < 10) {
        alive = client.on_ready();
        ++turns;
    }
    CHECK(turns <= 3);
    REQUIRE_FALSE(alive);
    CHECK(alive.error().what.find("1 job unfinished") != std::string::npos);
    CHECK(client.wanted_events() == 0);
}

TEST_CASE("a session that failed stays so")
{
    Peers peers;
    peers.say(Pong{Tag{5}, {}});
    const auto failed = peers.client->next();
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::invalid);
    peers.say(Closing{.grace_ms = 1});
    CHECK(peers.client->next().error().what == failed.error().what);
    CHECK(peers.client->on_ready().error().what == failed.error().what);
}

TEST_CASE("once the session is over every call says why")
{
    Peers peers;
    Client& client = *peers.client;
    const Tag job = *client.submit({.handler = "a"});
    LentBlob lent = *client.lend(100);
    peers.pair.theirs.reset();
    const auto ended = client.next();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().what == "the daemon closed the session with 1 job unfinished");
    const std::vector<ByteView> payloads(2);
    const auto words = [](const auto& result) {
        return result ? std::string{"none"} : result.error().what;
    };
    for (const std::string& said :
         {words(client.submit({.handler = "a"})),
          words(client.submit({.handler = "a"}, std::move(lent))),
          words(client.submit_many(payloads, {.handler = "a"})), words(client.put(bytes_of("x"))),
          words(client.cancel(job)), words(client.ping()), words(client.next()),
          words(client.flush()), words(client.half_close()), words(client.on_ready())}) {
        CHECK(said == ended.error().what);
    }
    CHECK(client.unfinished() == 1);
}

TEST_CASE("a loop is told of the end by the call that meets it")
{
    Peers peers;
    peers.pair.theirs.reset();
    const auto alive = peers.client->on_ready();
    REQUIRE_FALSE(alive);
    CHECK(alive.error().code == Errc::closed);
}

TEST_CASE("what was borrowed is looked at by nobody once the session is over")
{
    Peers peers{{.name = "test", .kept_blobs = 0}};
    Client& client = *peers.client;
    constexpr std::size_t size = std::size_t{8} << 20U;
    void* lent = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(lent != MAP_FAILED);
    const ByteView payload{static_cast<const std::byte*>(lent), size};
    REQUIRE(client.submit({.handler = "a", .payload = payload}));
    SUBCASE("since the daemon says what it never should")
    {
        peers.say(Pong{Tag{99}, {}});
    }
    SUBCASE("since the daemon says no more")
    {
        REQUIRE(::shutdown(peers.pair.theirs.get(), SHUT_WR) == 0);
    }
    const auto ended = client.next();
    REQUIRE_FALSE(ended);
    REQUIRE(::munmap(lent, size) == 0);
    // There is room for more of it.
    std::vector<std::byte> buffer(1 << 20);
    while (::recv(peers.pair.theirs.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) > 0) {
    }
    CHECK(client.next().error().what == ended.error().what);
    CHECK(client.flush().error().what == ended.error().what);
    CHECK(client.on_ready().error().what == ended.error().what);
}

TEST_CASE("a payload larger than the socket's buffer arrives whole")
{
    Peers peers{{.name = "test", .kept_blobs = 0}};
    const Bytes payload = filled(std::size_t{3} << 20U, 'q');
    REQUIRE(peers.client->submit({.handler = "echo", .payload = payload}));
    std::uint64_t received = 0;
    bool last = false;
    std::thread daemon{[&] {
        FrameSplitter splitter{Link::client, Direction::to_daemon};
        std::vector<std::byte> buffer(100'000);
        std::size_t skip = preamble.size();
        while (!last) {
            const auto size = ::recv(peers.pair.theirs.get(), buffer.data(), buffer.size(), 0);
            if (size <= 0) {
                return;
            }
            splitter.feed(ByteView{buffer}.first(static_cast<std::size_t>(size)).subspan(skip));
            skip = 0;
            while (const auto frame = splitter.next().value_or(std::nullopt)) {
                received += frame->payload.size();
                last = frame->header.type == MessageType::piece && !frame->header.more;
            }
        }
    }};
    const auto flushed = peers.client->flush();
    daemon.join();
    CHECK(flushed);
    CHECK(last);
    CHECK(received == payload.size());
}

TEST_CASE("what a running job submits to its own daemon is its child, unless detached")
{
    const ListeningPlace place;
    UniqueFd served;
    std::thread daemon{[&] {
        served = place.accept();
        (void)send_all(served.get(), said(Welcome{.server = "jobmilld t"}));
    }};
    std::string named = place.path;
    bool ours = true;
    SUBCASE("of its own daemon") {}
    SUBCASE("of another one")
    {
        named = "/another/daemon.sock";
        ours = false;
    }
    const Variable worker{"JOBMILL_SOCKET", named};
    auto client = Client::connect(place.path, {.name = "test"});
    daemon.join();
    REQUIRE(client);
    Bytes greeting(1000);
    REQUIRE(::recv(served.get(), greeting.data(), greeting.size(), 0) > 0);
    const std::vector<ByteView> payloads(1);
    {
        const Variable job{"JOBMILL_JOB", "117"};
        REQUIRE(client->submit({.handler = "a"}));
        REQUIRE(client->submit({.handler = "b", .detached = true}));
        REQUIRE(client->submit({.handler = "c", .options = {.parent = 3}}));
        REQUIRE(client->submit_many(payloads, {.handler = "d"}));
    }
    {
        const Variable job{"JOBMILL_JOB", "118"};
        REQUIRE(client->submit({.handler = "e"}));
    }
    for (const char* nonsense : {"", "x", "0", "-1", "1x", "99999999999999999999"}) {
        const Variable job{"JOBMILL_JOB", nonsense};
        REQUIRE(client->submit({.handler = "g", .pool = nonsense}));
    }
    REQUIRE(client->submit({.handler = "h"}));
    REQUIRE(client->flush());
    std::vector<std::optional<std::uint64_t>> expected(5 + 7);
    expected[2] = 3;
    if (ours) {
        expected[0] = expected[3] = 117;
        expected[4] = 118;
    }
    CHECK(parents_at(served.get()) == expected);
}

TEST_CASE("many jobs wait for credit in between, and keep what comes meanwhile")
{
    auto pair = *make_socket_pair();
    REQUIRE(send_all(pair.theirs.get(), said(Welcome{.credit_jobs = 2, .server = {}})));
    auto client = *Client::adopt(pair.ours.release(), {.name = "test"});
    // The answers to the first two lie ready: they give their credit back.
    for (const std::uint64_t id : {1U, 2U}) {
        REQUIRE(send_all(pair.theirs.get(),
                         said(Accepted{.first = Tag{id}, .job = JobId{id}, .count = 1})));
        JobResult result;
        result.tag = Tag{id};
        result.job = JobId{id};
        REQUIRE(send_all(pair.theirs.get(), said(result)));
    }
    const std::vector<ByteView> payloads(4);
    const auto tags = client.submit_many(payloads, {.handler = "sum"});
    REQUIRE(tags);
    CHECK(*tags == std::vector<Tag>{Tag{1}, Tag{2}, Tag{3}, Tag{4}});
    std::size_t events = 0;
    while (client.poll_event()) {
        ++events;
    }
    CHECK(events == 4);
}

TEST_CASE("when the daemon stops, many jobs are as many as were submitted before")
{
    auto pair = *make_socket_pair();
    REQUIRE(send_all(pair.theirs.get(), said(Welcome{.credit_jobs = 2, .server = {}})));
    auto client = *Client::adopt(pair.ours.release(), {.name = "test"});
    REQUIRE(send_all(pair.theirs.get(), said(Closing{.grace_ms = 1})));
    const std::vector<ByteView> payloads(4);
    const auto tags = client.submit_many(payloads, {.handler = "sum"});
    REQUIRE(tags);
    CHECK(tags->size() == 2);
    CHECK(client.submit_many(payloads, {.handler = "sum"}).error().code == Errc::closed);
}

TEST_CASE("many jobs whose credit cannot be waited for are as many as were submitted before")
{
    auto pair = *make_socket_pair();
    REQUIRE(send_all(pair.theirs.get(), said(Welcome{.credit_jobs = 2, .server = {}})));
    auto client = *Client::adopt(pair.ours.release(), {.name = "test", .memory = 100});
    REQUIRE(
        send_all(pair.theirs.get(), said(Accepted{.first = Tag{1}, .job = JobId{1}, .count = 2})));
    const std::vector<ByteView> payloads(4);
    const auto tags = client.submit_many(payloads, {.handler = "sum"});
    REQUIRE(tags);
    CHECK(*tags == std::vector<Tag>{Tag{1}, Tag{2}});
    CHECK(client.submit_many(payloads, {.handler = "sum"}).error().code == Errc::exhausted);
    // Room for others, once events are taken.
    while (client.poll_event()) {
    }
    CHECK(client.next(std::chrono::milliseconds{0}));
}

TEST_CASE("a job whose end run() cannot wait for is cancelled")
{
    Peers peers{{.name = "test", .memory = 100}};
    Client& client = *peers.client;
    peers.say(Accepted{.first = Tag{1}, .job = JobId{8}});
    CHECK(client.run({.handler = "sum"}).error().code == Errc::exhausted);
    CHECK(std::holds_alternative<event::Accepted>(*client.poll_event()));
    REQUIRE(client.flush());
    const std::vector<std::string> names = sent_to(peers.pair.theirs.get());
    REQUIRE_FALSE(names.empty());
    CHECK(names.back() == "cancel");
}
