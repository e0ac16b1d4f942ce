package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
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
	statusPermissionDenied  = "PERMISSION_DENIED"
	statusNotFound          = "NOT_FOUND"
	statusSizeExceeded      = "SIZE_EXCEEDED"
	statusRange             = "RANGE_NOT_SATISFIABLE"
	statusResourceExhausted = "RESOURCE_EXHAUSTED"
	statusCancelled         = "CANCELLED" //nolint:misspell // as gRPC spells it
	statusInternal          = "INTERNAL"
	statusUnavailable       = "UNAVAILABLE"
	statusDeadline          = "DEADLINE_EXCEEDED"

	reasonMalformed = "MALFORMED_REQUEST"
	reasonTooLarge  = "BLOB_TOO_LARGE"
	reasonInternal  = "INTERNAL_ERROR"

	domain       = "daemon.walrus.space" // clients of Walrus look for it
	domainGlobal = "global"              // of internal errors

	retryAfter             = 1   // seconds
	statusClientClosedConn = 499 // nobody reads it; nginx's number, for the log
)

// problem is an error in HTTP words.
type problem struct {
	code     int
	status   string
	reason   string
	message  string
	metadata map[string]string // the message's numbers, for programs; may be nil
	internal error             // what only the log may say
}

type envelope struct {
	Error envelopeBody `json:"error"`
}

type envelopeBody struct {
	Status  string `json:"status"`
	Code    int    `json:"code"`
	Message string `json:"message"`
	Details []any  `json:"details"` // errorInfo, and debugInfo of internal errors
}

type errorInfo struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata"`
}

type debugInfo struct {
	Type         string   `json:"@type"`
	StackEntries []string `json:"stackEntries"`
	Detail       string   `json:"detail"`
}

// fail answers with an error. Nothing may have been written before.
func (a *api) fail(w http.ResponseWriter, r *http.Request, p problem) {
	info := errorInfo{Type: "ErrorInfo", Reason: p.reason, Domain: domain, Metadata: p.metadata}
	if info.Metadata == nil {
		info.Metadata = map[string]string{}
	}
	details := []any{info}
	if p.internal != nil {
		trace := rand.Text()
		a.log.WarnContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "trace", trace, "err", p.internal)
		info.Domain = domainGlobal
		details = []any{info, debugInfo{Type: "DebugInfo", StackEntries: []string{}, Detail: "TraceID: " + trace}}
	} else {
		a.log.DebugContext(r.Context(), "request refused", "method", r.Method, "path", r.URL.Path, "code", p.code, "err", p.message)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store") // a cache that keeps "not found" hides the blob that is stored next
	h.Set("X-Content-Type-Options", "nosniff")
	h.Del("ETag")
	if p.code == http.StatusServiceUnavailable || p.code == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(p.code)
	body := envelope{envelopeBody{Status: p.status, Code: p.code, Message: p.message, Details: details}}
	_ = json.NewEncoder(w).Encode(body) // a client that has gone needs no answer
}

// malformed is the problem of a request that makes no sense.
func malformed(format string, args ...any) problem {
	return problem{code: http.StatusBadRequest, status: statusInvalidArgument, reason: reasonMalformed, message: fmt.Sprintf(format, args...)}
}

// tooLarge is the problem of a blob that the network cannot take. If size is
// not exact, the blob has at least as many bytes.
func tooLarge(e *shard.TooLargeError, exact bool) problem {
	p := problem{
		code: http.StatusRequestEntityTooLarge, status: statusSizeExceeded, reason: reasonTooLarge,
		metadata: map[string]string{"maxSize": strconv.FormatUint(e.Max, 10), "shards": strconv.Itoa(e.Shards)},
	}
	needed, possible := e.Needed()
	most := fmt.Sprintf("the %d bytes that a blob can have with %d shards", e.Max, e.Shards)
	switch {
	case exact && possible:
		p.message = fmt.Sprintf("a blob of %d bytes is larger than %s; %d shards would take it", e.Size, most, needed)
	case exact:
		p.message = fmt.Sprintf("a blob of %d bytes is larger than %s; store it in parts", e.Size, most)
	case possible:
		p.message = fmt.Sprintf("the body is larger than %s; at least %d shards would be needed", most, needed)
	default:
		p.message = fmt.Sprintf("the body is larger than %s; store it in parts", most)
	}
	if exact {
		p.metadata["size"] = strconv.FormatUint(e.Size, 10)
	}
	if possible {
		p.metadata["neededShards"] = strconv.Itoa(needed)
	}
	return p
}

// problemOf translates an error of the client. [WS] §1.5
func problemOf(err error) problem {
	var large *shard.TooLargeError
	var refusal *ledger.Error
	switch text := err.Error(); {
	case errors.Is(err, client.ErrNotFound):
		return problem{code: http.StatusNotFound, status: statusNotFound, reason: "BLOB_NOT_FOUND", message: text}
	case errors.Is(err, client.ErrInconsistent):
		return problem{code: http.StatusUnprocessableEntity, status: statusFailedPrecond, reason: "INVALID_BLOB", message: text}
	case errors.As(err, &large):
		return tooLarge(large, true)
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeInsufficientFunds:
		return problem{code: http.StatusServiceUnavailable, status: statusUnavailable, reason: "INSUFFICIENT_FUNDS", message: "the publisher cannot pay: " + text}
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeBadEpochs:
		return malformed("%s", text)
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeNoCapacity:
		return problem{code: http.StatusServiceUnavailable, status: statusUnavailable, reason: "NO_CAPACITY", message: text}
	case errors.Is(err, client.ErrNoAccount):
		return problem{code: http.StatusForbidden, status: statusPermissionDenied, reason: "NO_ACCOUNT", message: "this gateway only reads: it has no account to pay with"}
	case errors.Is(err, client.ErrNotEnoughConfirmations):
		return problem{code: http.StatusGatewayTimeout, status: statusDeadline, reason: "INSUFFICIENT_CONFIRMATIONS", message: text}
	case errors.Is(err, client.ErrUnavailable):
		return problem{code: http.StatusServiceUnavailable, status: statusUnavailable, reason: "BLOB_UNAVAILABLE", message: text}
	case errors.Is(err, client.ErrClosed):
		return problem{code: http.StatusServiceUnavailable, status: statusUnavailable, reason: "SHUTTING_DOWN", message: "this gateway is shutting down"}
	case errors.Is(err, context.DeadlineExceeded):
		return problem{code: http.StatusGatewayTimeout, status: statusDeadline, reason: "DEADLINE_EXCEEDED", message: "the network did not answer in time"}
	case errors.Is(err, context.Canceled): // by the one who asked
		return problem{code: statusClientClosedConn, status: statusCancelled, reason: "REQUEST_GIVEN_UP", message: "the request was given up"}
	default:
		return problem{code: http.StatusInternalServerError, status: statusInternal, reason: reasonInternal, message: "internal error", internal: err}
	}
}
