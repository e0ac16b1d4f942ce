package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

// The statuses of the envelope. [WS] §1.5
const (
	statusInvalidArgument   = "INVALID_ARGUMENT"
	statusFailedPrecond     = "FAILED_PRECONDITION"
	statusNotFound          = "NOT_FOUND"
	statusSizeExceeded      = "SIZE_EXCEEDED"
	statusRange             = "RANGE_NOT_SATISFIABLE"
	statusResourceExhausted = "RESOURCE_EXHAUSTED"
	statusInternal          = "INTERNAL"
	statusUnavailable       = "UNAVAILABLE"
	statusDeadline          = "DEADLINE_EXCEEDED"

	domain     = "daemon.walrus.space" // clients of Walrus look for it
	retryAfter = 1                     // seconds
)

// problem is an error in HTTP words.
type problem struct {
	code    int
	status  string
	reason  string
	message string
}

type envelope struct {
	Error envelopeBody `json:"error"`
}

type envelopeBody struct {
	Status  string        `json:"status"`
	Code    int           `json:"code"`
	Message string        `json:"message"`
	Details []errorDetail `json:"details"`
}

type errorDetail struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata"`
}

func (a *api) fail(w http.ResponseWriter, r *http.Request, p problem) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("ETag")
	if p.code == http.StatusServiceUnavailable || p.code == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if p.code >= http.StatusInternalServerError {
		a.log.WarnContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "code", p.code, "err", p.message)
	}
	w.WriteHeader(p.code)
	body := envelope{envelopeBody{
		Status: p.status, Code: p.code, Message: p.message,
		Details: []errorDetail{{Type: "ErrorInfo", Reason: p.reason, Domain: domain, Metadata: map[string]string{}}},
	}}
	_ = json.NewEncoder(w).Encode(body) // a client that has gone needs no answer
}

// problemOf translates an error of the client. [WS] §1.5
func problemOf(err error) problem {
	var large *shard.TooLargeError
	var refusal *ledger.Error
	switch {
	case errors.Is(err, client.ErrNotFound):
		return problem{http.StatusNotFound, statusNotFound, "BLOB_NOT_FOUND", err.Error()}
	case errors.Is(err, client.ErrInconsistent):
		return problem{http.StatusUnprocessableEntity, statusFailedPrecond, "INVALID_BLOB", err.Error()}
	case errors.As(err, &large):
		return problem{http.StatusRequestEntityTooLarge, statusSizeExceeded, "BLOB_TOO_LARGE", large.Error()}
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeInsufficientFunds:
		return problem{http.StatusServiceUnavailable, statusUnavailable, "INSUFFICIENT_FUNDS", "the publisher cannot pay: " + err.Error()}
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeBadEpochs:
		return problem{http.StatusBadRequest, statusInvalidArgument, "MALFORMED_REQUEST", err.Error()}
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeNoCapacity:
		return problem{http.StatusServiceUnavailable, statusUnavailable, "NO_CAPACITY", err.Error()}
	case errors.Is(err, client.ErrNotEnoughConfirmations):
		return problem{http.StatusGatewayTimeout, statusDeadline, "INSUFFICIENT_CONFIRMATIONS", err.Error()}
	case errors.Is(err, client.ErrUnavailable):
		return problem{http.StatusServiceUnavailable, statusUnavailable, "BLOB_UNAVAILABLE", err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return problem{http.StatusGatewayTimeout, statusDeadline, "DEADLINE_EXCEEDED", "the network did not answer in time"}
	default:
		return problem{http.StatusInternalServerError, statusInternal, "INTERNAL_ERROR", err.Error()}
	}
}
