// SPDX-License-Identifier: MIT
#include <optional>
#include <stdexcept>
#include <unordered_map>

#include "jobmill/client.hpp"
#include "tests/chaos/session.hpp"

namespace jobmill::chaos {
namespace {

template <typename T>
T checked(Result<T> result)
{
    if (!result) {
        throw std::runtime_error{result.error().what};
    }
    return std::move(*result);
}

void check(const Result<void>& result)
{
    if (!result) {
        throw std::runtime_error{result.error().what};
    }
}

/// What an event is to a history; `id` is still to be filled in.
struct Listener {
    std::optional<Heard> operator()(const event::Accepted& event) const
    {
        return Heard{.what = What::accepted, .job = number(event.job)};
    }
    std::optional<Heard> operator()(const event::Started& event) const
    {
        return Heard{.what = What::started, .job = number(event.job)};
    }
    std::optional<Heard> operator()(const event::Chunk& event) const
    {
        return Heard{.what = What::chunk,
                     .job = number(event.job),
                     .payload = std::string{text_of(event.payload)}};
    }
    std::optional<Heard> operator()(const event::JobResult& event) const
    {
        Heard heard{.what = What::result,
                    .job = number(event.job),
                    .text = event.cause->text,
                    .payload = std::string{text_of(event.payload)},
                    .state = std::string{name_of(event.state)},
                    .kind = event.cause->kind,
                    .signal = event.cause->signal,
                    .attempt = event.attempt,
                    .poison = event.cause->poison};
        for (const Attempt& attempt : event.attempts) {
            heard.kills += attempt.cause.signal == "SIGKILL" ? 1U : 0U;
            heard.workers += std::to_string(number(attempt.worker)) + ',';
        }
        heard.workers += std::to_string(number(event.worker)) + ',';
        return heard;
    }
    std::optional<Heard> operator()(const event::JobError& event) const
    {
        return Heard{.what = event.tag == Tag{} ? What::broken : What::refused,
                     .code = event.error.code,
                     .text = event.error.text};
    }
    std::optional<Heard> operator()(const event::Closing& /*event*/) const
    {
        throw std::runtime_error{"the daemon says that it closes"};
    }
    template <typename Other>
    std::optional<Heard> operator()(const Other& /*event*/) const
    {
        return {};
    }
};

class LibrarySession : public Session {
public:
    explicit LibrarySession(const std::string& socket) : client_(checked(Client::connect(socket)))
    {
    }

    void submit(const std::string& id, const RandomJob& job) override
    {
        // The library borrows what is large until the job's last event.
        const std::string& payload = payloads_.emplace(id, job.payload).first->second;
        const Tag tag = checked(client_->submit({.handler = job.handler,
                                                 .payload = bytes_of(payload),
                                                 .args = job.args,
                                                 .pool = job.pool,
                                                 .label = id,
                                                 .detached = job.detached,
                                                 .started = job.started,
                                                 .progress = job.progress,
                                                 .options = job.options}));
        ids_[tag] = id;
        tags_[id] = tag;
    }

    void cancel(const std::string& id) override
    {
        if (const auto tag = tags_.find(id); tag != tags_.end()) {
            // One that is no job of the session any more is the library's to refuse.
            (void)client_->cancel(tag->second);
        }
    }

    void cancel_job(const std::string& request, std::uint64_t job) override
    {
        ids_[checked(client_->cancel_job(JobId{job}))] = request;
    }

    void cancel_all(const std::string& request) override
    {
        ids_[checked(client_->cancel_all())] = request;
    }

    void wait(const std::string& id, std::uint64_t job) override
    {
        ids_[checked(client_->wait_job(JobId{job}))] = id;
    }

    void half_close() override { check(client_->half_close()); }

    void vanish() override { client_.reset(); }

    std::optional<Heard> next(std::chrono::milliseconds time) override
    {
        while (true) {
            auto event = client_->next(time);
            if (!event && event.error().code == Errc::closed && client_->unfinished() == 0) {
                return Heard{.what = What::end};
            }
            const auto came = checked(std::move(event));
            if (!came) {
                return {};
            }
            auto heard = std::visit(Listener{}, *came);
            const Tag tag = tag_of(*came);
            const auto id = ids_.find(tag);
            const std::string name = id == ids_.end() ? "" : id->second;
            if (is_last(*came)) {
                forget(tag, name);
            }
            if (heard) {
                heard->id = name;
                return heard;
            }
        }
    }

private:
    void forget(Tag tag, const std::string& id)
    {
        payloads_.erase(id);
        tags_.erase(id);
        ids_.erase(tag);
    }

    std::optional<Client> client_;
    std::unordered_map<Tag, std::string> ids_;
    std::unordered_map<std::string, Tag> tags_;
    std::unordered_map<std::string, std::string> payloads_;
};

}  // namespace

std::unique_ptr<Session> library_session(const std::string& socket)
{
    return std::make_unique<LibrarySession>(socket);
}

}  // namespace jobmill::chaos
