// SPDX-License-Identifier: MIT
#include "tests/loop/desk_fixture.hpp"

#include <sys/socket.h>

#include <algorithm>

#include "common/blob.hpp"

namespace jobmill::tests {

using daemon::ClientSession;
using daemon::JobDesk;
using daemon::Payload;

namespace {

std::string text_or_size(ByteView payload)
{
    return payload.size() <= 20 ? std::string{text_of(payload)} : std::to_string(payload.size());
}

struct Describe {
    std::string operator()(const Welcome&) const { return "welcome"; }
    std::string operator()(const Opened& opened) const
    {
        return "opened " + std::to_string(opened.number);
    }
    std::string operator()(const Stored&) const { return "stored"; }
    std::string operator()(const Accepted& accepted) const
    {
        return "accepted " + std::to_string(number(accepted.first)) + ":" +
               std::to_string(number(accepted.job)) +
               (accepted.count > 1 ? " x" + std::to_string(accepted.count) : "");
    }
    std::string operator()(const Started& started) const { return "started " + of(started.tag); }
    std::string operator()(const Chunk& chunk) const
    {
        return "chunk " + of(chunk.tag) + " " +
               (chunk.more ? std::to_string(chunk.size) + "+" : text_or_size(chunk.payload));
    }
    std::string operator()(const Progress& progress) const
    {
        return "progress " + of(progress.tag) + " " + std::to_string(progress.done);
    }
    std::string operator()(const Piece& piece) const
    {
        return "piece " + of(piece.tag) + " " + std::to_string(piece.payload.size()) +
               (piece.more ? "+" : "");
    }
    std::string operator()(const JobResult& result) const
    {
        const std::string payload =
            result.more ? std::to_string(result.size) + "+" : text_or_size(result.payload);
        return "result " + of(result.tag) + " " + std::string{name_of(result.state)} +
               (payload.empty() ? "" : " " + payload);
    }
    std::string operator()(const Cancelled& cancelled) const
    {
        return "cancelled " + of(cancelled.tag) + " " + std::to_string(cancelled.queued) + "/" +
               std::to_string(cancelled.running);
    }
    std::string operator()(const StatusReply& reply) const { return "status " + of(reply.tag); }
    std::string operator()(const ReloadReply& reply) const { return "reload " + of(reply.tag); }
    std::string operator()(const LogLevelReply& reply) const
    {
        return "log_level " + of(reply.tag);
    }
    std::string operator()(const AdjustReply& reply) const { return "adjust " + of(reply.tag); }
    std::string operator()(const Retrying& retrying) const
    {
        return "retrying " + of(retrying.tag) + " " + std::to_string(retrying.attempt);
    }
    std::string operator()(const HandlersReply& reply) const { return "handlers " + of(reply.tag); }
    std::string operator()(const Pong& pong) const { return "pong " + of(pong.tag); }
    std::string operator()(const Credit&) const { return "credit"; }
    std::string operator()(const Closing&) const { return "closing"; }
    std::string operator()(const ErrorMessage& message) const
    {
        const ErrorReply& error = message.error;
        CHECK(error.retry_after_ms.has_value() == (error.code == error_code::busy));
        return "error " + of(message.tag) + " " + error.code +
               (error.code == error_code::busy && error.limit
                    ? " of " + std::to_string(*error.limit)
                    : std::string{});
    }

    static std::string of(Tag tag) { return std::to_string(number(tag)); }
};

}  // namespace

void Peer::say(ByteView bytes, std::span<const int> fds) const
{
    REQUIRE(send_all(socket_.get(), bytes, fds).has_value());
}

void Peer::end_input() const
{
    REQUIRE(::shutdown(socket_.get(), SHUT_WR) == 0);
}

void Peer::listen(std::size_t most)
{
    buffer_.resize(std::max(buffer_.size(), most));
    std::deque<UniqueFd> none;
    const auto received = receive_some(socket_.get(), std::span{buffer_}.first(most), none);
    ended_ = ended_ || !received || received->end;
    if (received) {
        append(bytes_, ByteView{buffer_}.first(received->size));
        received_ += received->size;
    }
}

std::vector<std::string> Peer::heard()
{
    std::vector<std::string> lines;
    if (text_of(bytes_).starts_with("{\"op\"")) {
        std::string_view text = text_of(bytes_);
        for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
            lines.emplace_back(text.substr(0, end));
            text.remove_prefix(end + 1);
        }
        bytes_.erase(bytes_.begin(), bytes_.end() - static_cast<std::ptrdiff_t>(text.size()));
        return lines;
    }
    frames_.feed(bytes_);
    bytes_.clear();
    for (auto frame = frames_.next(); frame && *frame; frame = frames_.next()) {
        const auto reply = decode_reply(**frame);
        lines.push_back(reply ? std::visit(Describe{}, *reply) : "nonsense");
    }
    return lines;
}

DeskFixture::DeskFixture()
    : desk(JobDesk::Limits{},
           JobDesk::Outside{
               .core = dispatcher,
               .pools = pools,
               .post = [this](const core::Event& event) { post(event); },
               .post_at = [this](const core::Event& event, core::TimePoint) { post(event); },
               .session =
                   [this](SessionId session) {
                       const auto found = sessions.find(number(session));
                       return found == sessions.end() ? nullptr : found->second.get();
                   },
               .next_job = [this] { return JobId{++last_job}; },
               .now = [] { return loop::EventLoop::now(); },
               .cause_of_death =
                   [](WorkerId) { return Cause{.kind = "signal", .signal = "SIGSEGV"}; },
               .traces = [](WorkerId) { return Cause{.stderr_tail = "ouch\n"}; },
               .usage_of = [](WorkerId) { return Usage{.cpu_ns = 1}; },
               .pause =
                   [this](WorkerId worker, bool pause) {
                       if (pause) {
                           paused.insert(number(worker.slot));
                       } else {
                           paused.erase(number(worker.slot));
                       }
                   },
               .progress = [](WorkerId) { return std::nullopt; }})
{
    pools.entry(PoolId{0}).state = daemon::PoolEntry::State::up;
    for (const char* name : {"echo", "sum"}) {
        pools.entry(PoolId{0}).handlers.push_back({.name = name, .help = {}, .module = {}});
    }
}

DeskFixture::~DeskFixture() = default;

void DeskFixture::post(const core::Event& event)
{
    events.push_back(event);
    if (on_event) {
        on_event(event);
    }
}

Peer& DeskFixture::connect(daemon::Identity client)
{
    SocketPair pair = nonblocking_pair();
    auto channel = daemon::Channel::create(loop, flush_list, std::move(pair.ours));
    REQUIRE(channel.has_value());
    const SessionId id{peers.size() + 1};
    auto session = ClientSession::create(
        loop, std::move(*channel), {.id = id, .identity = client}, settings,
        {.desk = desk,
         .pools = pools,
         .held_accepts = held_accepts,
         .administer =
             [this](ClientSession& asker, Tag tag, const Request& request) {
                 if (std::holds_alternative<HandlersRequest>(request)) {
                     asker.send(HandlersReply{.tag = tag, .body = pools.describe()});
                 } else {
                     asker.send(StatusReply{.tag = tag, .body = Value{Map{}}});
                 }
             },
         .closing = [this] { return closing; },
         .over = [this](SessionId which) { over.insert(number(which)); }});
    REQUIRE(session.has_value());
    sessions.emplace(number(id), std::move(*session));
    peers.push_back(std::make_unique<Peer>(std::move(pair.theirs)));
    return *peers.back();
}

Peer& DeskFixture::connect_binary(daemon::Identity client)
{
    Peer& peer = connect(client);
    peer.say(greeting());
    CHECK(heard_by(peer) == Lines{"welcome"});
    return peer;
}

std::vector<std::string> DeskFixture::heard_at_once_by(Peer& peer)
{
    settle();
    peer.listen();
    return peer.heard();
}

std::vector<std::string> DeskFixture::heard_by(Peer& peer)
{
    std::vector<std::string> lines;
    for (std::uint64_t before = ~0ULL; before != peer.received();) {
        before = peer.received();
        settle();
        held_accepts.release();
        settle();
        peer.listen();
        const auto more = peer.heard();
        lines.insert(lines.end(), more.begin(), more.end());
    }
    return lines;
}

bool DeskFixture::hears(Peer& peer, const std::string& line)
{
    return run_until([&] {
        peer.listen();
        const auto lines = peer.heard();
        return std::find(lines.begin(), lines.end(), line) != lines.end();
    });
}

void DeskFixture::bury()
{
    for (const std::uint64_t session : over) {
        const auto node = sessions.extract(session);
        if (!node.empty()) {
            desk.session_lost(SessionId{session}, node.mapped()->identity().uid,
                              node.mapped()->unfinished());
        }
    }
}

void DeskFixture::finish(std::uint64_t job, std::string_view result)
{
    finish(job, small(result));
}

void DeskFixture::finish(std::uint64_t job, Payload payload)
{
    desk.worker_outcome(JobId{job}) = {.payload = std::move(payload), .cause = {}, .run_ns = 1};
    end(job, JobState::succeeded, core::EndedBy::worker, {SlotId{1}, 1});
}

void DeskFixture::end(std::uint64_t job, JobState state, core::EndedBy by, WorkerId worker)
{
    const bool ran = worker.slot != SlotId{};
    desk.ended(core::JobEnded{.job = JobId{job},
                              .state = state,
                              .by = by,
                              .worker = worker,
                              .was = ran ? JobState::running : JobState::queued});
}

void DeskFixture::chunk(std::uint64_t job, Payload payload, WorkerId worker)
{
    desk.worker_chunk(JobId{job}, worker, Stream::out, std::move(payload));
}

Bytes greeting()
{
    const ByteView begin = bytes_of(preamble);
    Bytes bytes{begin.begin(), begin.end()};
    encode(Hello{}, bytes);
    return bytes;
}

Submit submit(std::uint64_t tag, std::string_view payload)
{
    return Submit{.tag = Tag{tag},
                  .size = payload.size(),
                  .options = {.handler = "echo"},
                  .payload = bytes_of(payload)};
}

Submit detached_submit(std::uint64_t tag)
{
    Submit detached = submit(tag);
    detached.options.detached = true;
    return detached;
}

Submit submit_more(std::uint64_t tag, std::uint64_t size, std::string_view first)
{
    Submit begun = submit(tag, first);
    begun.size = size;
    begun.more = true;
    return begun;
}

Payload large(std::size_t size, char fill)
{
    auto blob = make_blob(size);
    REQUIRE(blob.has_value());
    const Bytes bytes(size, static_cast<std::byte>(fill));
    REQUIRE(write_blob(blob->get(), 0, bytes).has_value());
    return Payload{.bytes = {}, .blob = std::move(*blob), .size = size};
}

Payload small(std::string_view text)
{
    return Payload::copy(bytes_of(text));
}

}  // namespace jobmill::tests
