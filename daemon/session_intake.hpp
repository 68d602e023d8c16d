// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/channel.hpp"
#include "daemon/descriptor_budget.hpp"
#include "daemon/incoming_payloads.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/session_output.hpp"
#include "daemon/session_tags.hpp"

namespace jobmill::daemon {

/// What a session's client hands in: the handlers that it opened, its submits and their pieces,
/// and how much of its credit its unfinished jobs take. A request that cannot be followed is
/// answered in here; an error that comes back is one that the session does not survive.
class SessionIntake {
public:
    struct Credit {
        std::uint32_t jobs = limits::credit_jobs;
        std::uint64_t bytes = limits::credit_bytes;
    };
    using Verdict = tl::expected<void, ErrorReply>;

    /// The rest of the session, and what it needs of the daemon.
    struct Outside {
        Channel& channel;
        SessionTags& tags;
        SessionOutput& output;
        JobDesk& desk;
        const PoolDirectory& pools;
        DescriptorBudget descriptors;
        /// True once the daemon takes no more jobs.
        std::function<bool()> closing;
    };

    SessionIntake(Submitter client, Credit credit, Outside outside)
        : client_(client), credit_(credit), outside_(std::move(outside))
    {
    }

    void open(const Open& open);
    /// `tag` is in the JSON spelling in use already, for this submit.
    [[nodiscard]] Verdict submit(Tag tag, const Submit& submit);
    /// The same for a payload that jobs to come will name by its tag, until drop().
    [[nodiscard]] Verdict put(Tag tag, const Put& put);
    /// `id` is for an error; JSON only.
    void drop(Tag tag, std::string_view id);
    /// All of them or none, unless each is to be judged by itself. `id` is the request's own, for
    /// an error; JSON only.
    [[nodiscard]] Verdict submit_many(Tag tag, std::string_view id, const SubmitMany& many);
    /// `id` is for an answer about no tag; JSON only.
    void piece(Tag tag, std::string_view id, const Piece& piece);
    void cancel(Tag tag, std::string_view id, bool unless_running);
    /// The pieces of a submit that could not be followed are still on their way; `id` names it in
    /// JSON, `tag` in binary.
    [[nodiscard]] Verdict skip_pieces(Tag tag, std::string_view id);
    /// The tag is now of that job's events, which somebody else has submitted.
    void waits(Tag tag, JobId job) { waited_.emplace(number(tag), job); }
    /// Of the descriptors that came, those are closed which would be the daemon's last but for what
    /// is kept for sessions and workers; whatever message they are of is refused. They may wait
    /// long for their turn.
    void close_costly_descriptors();
    /// No more pieces will come, nor submits.
    void abandon_payloads();

    /// The client has used up its credit, and only results can give it back.
    [[nodiscard]] bool spent() const;
    /// The tag is free again.
    void result_is_out(Tag tag);
    /// No job is unfinished or on its way.
    [[nodiscard]] bool idle() const noexcept { return jobs_ == 0; }

private:
    /// A message's descriptor: none that did not come; empty, when it was closed for want of room.
    using Given = std::optional<UniqueFd>;

    /// A handler that the client has given a number of its own.
    struct OpenedHandler {
        std::string pool;
        std::string handler;
        std::uint16_t number = 0;  ///< in its pool, when it was opened
    };

    [[nodiscard]] tl::expected<Route, ErrorReply> find_route(const Submit& submit) const;
    /// `has_room`: for its bytes there is some, which was judged of all that came with it.
    [[nodiscard]] tl::expected<Submission, ErrorReply> judge(const Submit& submit,
                                                             const Route& route,
                                                             bool has_room = false) const;
    [[nodiscard]] tl::expected<std::vector<JobContent>, ErrorReply> judge_inputs(
        const SubmitOptions& options) const;
    [[nodiscard]] tl::expected<Submission, ErrorReply> judge_payload(const Submit& submit,
                                                                     Given blob) const;
    [[nodiscard]] tl::expected<Submission, ErrorReply> judge_put(Tag tag, const Put& put,
                                                                 Given blob) const;
    [[nodiscard]] tl::expected<void, ErrorReply> judge_load(const JobLoad& load,
                                                            std::uint64_t size) const;
    [[nodiscard]] tl::expected<void, ErrorReply> judge_pieces(std::uint64_t size) const;
    template <typename Message>
    [[nodiscard]] tl::expected<UniqueFd, ErrorReply> gather(const Message& message,
                                                            Given given) const;
    [[nodiscard]] Given take_descriptor(bool has_blob);
    template <typename Message>
    [[nodiscard]] Verdict begin(Tag tag, const Message& message,
                                tl::expected<Submission, ErrorReply>&& submission);
    [[nodiscard]] HandlerNames names_of(const Submission& submission) const;
    void take_gathered(Tag tag, Submission&& submission, const HandlerNames& handler);
    void take_whole(Tag tag, Submission&& submission);
    [[nodiscard]] Verdict swallow_pieces(Tag tag);
    void store(Tag tag, Submission submission);
    [[nodiscard]] bool take_tag(Tag tag);
    [[nodiscard]] Verdict refuse_tag(Tag tag, bool more);
    [[nodiscard]] tl::expected<std::vector<Submission>, ErrorReply> judge_many(
        const SubmitMany& many) const;
    [[nodiscard]] std::optional<Tag> take_tag_of(const SubmitMany& many, std::size_t position);
    [[nodiscard]] std::optional<std::vector<Tag>> take_tags(const SubmitMany& many);
    void submit_all(Tag tag, std::string_view id, const SubmitMany& many);
    [[nodiscard]] Verdict submit_each(const SubmitMany& many);
    void accept(Tag tag, Submission&& submission);
    [[nodiscard]] JobId job_of(Tag tag);
    void refuse_request(Tag tag, std::string_view id, ErrorReply error);

    Submitter client_;
    Credit credit_;
    Outside outside_;
    IncomingPayloads incoming_;
    std::size_t jobs_ = 0;     ///< accepted, result not out yet
    std::uint64_t bytes_ = 0;  ///< of their payloads
    std::unordered_map<std::uint64_t, OpenedHandler> opened_;
    std::unordered_map<std::uint64_t, JobContent> stored_;  ///< what was put, and not dropped
    std::unordered_map<std::uint64_t, JobId> waited_;       ///< whose events come under that tag
};

}  // namespace jobmill::daemon
