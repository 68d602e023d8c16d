// SPDX-License-Identifier: MIT
// How payloads come in: whole, in descriptors, in pieces; of a job, or put for jobs to come.
#include <limits>

#include "common/blob.hpp"
#include "daemon/refusal.hpp"
#include "daemon/session_intake.hpp"

namespace jobmill::daemon {

SessionIntake::Given SessionIntake::take_descriptor(bool has_blob)
{
    auto& received = outside_.channel.received_fds();
    if (!has_blob || received.empty()) {
        return {};
    }
    UniqueFd taken = std::move(received.front());
    received.pop_front();
    return taken;
}

void SessionIntake::close_costly_descriptors()
{
    for (UniqueFd& each : outside_.channel.received_fds()) {
        if (each && !outside_.descriptors.allows_blob(each.get())) {
            each.reset();
        }
    }
}

/// In the JSON spelling it is taken already.
bool SessionIntake::take_tag(Tag tag)
{
    return outside_.output.spelling() != Spelling::binary || outside_.tags.add(tag);
}

SessionIntake::Verdict SessionIntake::refuse_tag(Tag tag, bool more)
{
    auto error = refusal(error_code::duplicate_id, "this id is in use", "id");
    if (more) {
        // Its pieces could not be told from the other's.
        return tl::unexpected<ErrorReply>(std::move(error));
    }
    refuse_request(tag, {}, std::move(error));
    return {};
}

tl::expected<void, ErrorReply> SessionIntake::judge_load(const JobLoad& load,
                                                         std::uint64_t size) const
{
    const Admission& admission = outside_.desk.admission();
    if (auto fit = admission.judge_size(size); !fit) {
        return fit;
    }
    return admission.judge(client_, load);
}

tl::expected<void, ErrorReply> SessionIntake::judge_pieces(std::uint64_t size) const
{
    const auto full = [](const std::string& key, std::uint64_t limit) {
        return refuse_busy("too many payloads are on their way; the limit (" + key + ") is " +
                               std::to_string(limit),
                           retry_soon_ms, "payload", limit);
    };
    if (incoming_.size() == 0) {
        return {};
    }
    if (incoming_.size() >= credit_.jobs) {
        return full("credit_jobs", credit_.jobs);
    }
    if (incoming_.bytes() + size > credit_.bytes) {
        return full("credit_bytes", credit_.bytes);
    }
    return {};
}

/// The blob with what has come: the client's own, if it is one, or a new one.
template <typename Message>
tl::expected<UniqueFd, ErrorReply> SessionIntake::gather(const Message& message, Given given) const
{
    const auto too_few = [this] {
        const auto limit = static_cast<std::uint64_t>(outside_.descriptors.limit());
        return refuse_busy("too few descriptors are left of " + std::to_string(limit),
                           retry_soon_ms, "payload", limit);
    };
    if (given && !*given) {
        return too_few();
    }
    UniqueFd blob = given ? std::move(*given) : UniqueFd{};
    if (message.more) {
        if (auto fit = judge_pieces(message.size); !fit) {
            return tl::unexpected<ErrorReply>(std::move(fit.error()));
        }
    }
    if (message.has_blob) {
        if (const auto fit = check_blob(blob.get(), message.size); !fit) {
            return refuse(error_code::bad_descriptor, fit.error().what, "payload");
        }
    } else {
        auto made = make_blob(message.size);
        if (!made || !write_blob(made->get(), 0, message.payload)) {
            return refuse_busy("no memory for the payload", retry_later_ms, "payload");
        }
        blob = std::move(*made);
    }
    if (!outside_.descriptors.allows_blob(blob.get())) {
        return too_few();
    }
    return blob;
}

template tl::expected<UniqueFd, ErrorReply> SessionIntake::gather(const Submit& message,
                                                                  Given given) const;

template <typename Message>
SessionIntake::Verdict SessionIntake::begin(Tag tag, const Message& message,
                                            tl::expected<Submission, ErrorReply>&& submission)
{
    if (submission && message.more) {
        Admission::Place place{outside_.desk.admission(), client_, load_of(*submission)};
        HandlerNames handler = names_of(*submission);
        incoming_.begin(tag, std::move(*submission), std::move(handler), message.payload.size(),
                        std::move(place));
        return {};
    }
    if (submission) {
        take_whole(tag, std::move(*submission));
        return {};
    }
    refuse_request(tag, outside_.tags.text(tag), submission.error());
    if (message.more) {
        return swallow_pieces(tag);
    }
    outside_.tags.remove(tag);
    return {};
}

template SessionIntake::Verdict SessionIntake::begin(
    Tag tag, const Submit& message, tl::expected<Submission, ErrorReply>&& submission);

/// Of a put: none.
HandlerNames SessionIntake::names_of(const Submission& submission) const
{
    if (submission.is_put) {
        return {};
    }
    const PoolEntry& pool = outside_.pools.entry(submission.pool);
    return {.pool = pool.name, .handler = pool.handlers.at(submission.handler).name};
}

/// While its pieces came a reload may have replaced its pool.
void SessionIntake::take_gathered(Tag tag, Submission&& submission, const HandlerNames& handler)
{
    if (!submission.is_put) {
        const auto route = outside_.pools.find(handler.pool, handler.handler, submission.handler);
        if (!route) {
            refuse_request(tag, outside_.tags.text(tag), route.error());
            outside_.tags.remove(tag);
            return;
        }
        submission.pool = route->pool;
        submission.handler = route->handler;
    }
    take_whole(tag, std::move(submission));
}

void SessionIntake::take_whole(Tag tag, Submission&& submission)
{
    if (submission.is_put) {
        store(tag, std::move(submission));
    } else {
        accept(tag, std::move(submission));
    }
}

tl::expected<Submission, ErrorReply> SessionIntake::judge_put(Tag tag, const Put& put,
                                                              Given blob) const
{
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    if (number(tag) > most) {
        return refuse(error_code::bad_value, "no submit can name it", "id", most);
    }
    if (outside_.closing()) {
        return refuse(error_code::closing, "the daemon stops and takes no jobs");
    }
    if (auto room = judge_load({.bytes = put.size, .blobs = 1}, put.size); !room) {
        return tl::unexpected<ErrorReply>(std::move(room.error()));
    }
    auto gathered = gather(put, std::move(blob));
    if (!gathered) {
        return tl::unexpected<ErrorReply>(std::move(gathered.error()));
    }
    Submission submission{.is_put = true, .content = {}, .ask = {}};
    submission.content.set_blob(std::move(*gathered), put.size);
    return submission;
}

SessionIntake::Verdict SessionIntake::put(Tag tag, const Put& put)
{
    Given blob = take_descriptor(put.has_blob);
    return take_tag(tag) ? begin(tag, put, judge_put(tag, put, std::move(blob)))
                         : refuse_tag(tag, put.more);
}

void SessionIntake::store(Tag tag, Submission submission)
{
    submission.content.make_shared(std::make_shared<Admission::Place>(
        outside_.desk.admission(), client_, load_of(submission)));
    stored_.emplace(number(tag), std::move(submission.content));
    outside_.output.send(Stored{tag}, outside_.tags.text(tag));
}

void SessionIntake::drop(Tag tag, std::string_view id)
{
    if (stored_.erase(number(tag)) > 0) {
        outside_.tags.remove(tag);
    } else {
        refuse_request(tag, id,
                       refusal(error_code::not_found, "nothing was put under this id", "id"));
    }
}

SessionIntake::Verdict SessionIntake::skip_pieces(Tag tag, std::string_view id)
{
    std::optional<Tag> taken = tag;
    if (outside_.output.spelling() == Spelling::json) {
        taken = outside_.tags.add(id);
    } else if (!outside_.tags.add(tag)) {
        taken.reset();
    }
    if (!taken) {
        // They could not be told from the other's.
        return refuse(error_code::duplicate_id, "this id is in use", "id");
    }
    return swallow_pieces(*taken);
}

SessionIntake::Verdict SessionIntake::swallow_pieces(Tag tag)
{
    const std::size_t most = std::size_t{credit_.jobs} + limits::refused_uploads;
    if (incoming_.size() >= most) {
        return refuse(error_code::too_large, "the pieces of too many refused submits are missing",
                      "more", limits::refused_uploads);
    }
    incoming_.begin_refused(tag);
    return {};
}

void SessionIntake::piece(Tag tag, std::string_view id, const Piece& piece)
{
    const bool was_coming = incoming_.contains(tag);
    auto added = incoming_.add(piece);
    if (!added) {
        refuse_request(tag, id, added.error());
        if (was_coming && !incoming_.contains(tag)) {
            outside_.tags.remove(tag);
        }
    } else if (added->refused_ended) {
        outside_.tags.remove(tag);
    } else if (added->whole) {
        take_gathered(tag, std::move(*added->whole), added->handler);
    }
}

void SessionIntake::abandon_payloads()
{
    for (const auto& [tag, refused] : incoming_.abandon()) {
        if (!refused) {
            refuse_request(tag, outside_.tags.text(tag),
                           refusal(error_code::bad_value,
                                   "the input ended before the payload was whole", "payload"));
        }
        outside_.tags.remove(tag);
    }
    for (const auto& [tag, content] : stored_) {
        outside_.tags.remove(Tag{tag});
    }
    stored_.clear();
}

}  // namespace jobmill::daemon
