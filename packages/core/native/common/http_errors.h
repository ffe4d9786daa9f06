// The answers an engine gives by itself (http-server-api.md section 2.5): status, words of the page, counter name.
#pragma once

#include "frames.h"
#include "http_parser.h"

namespace httpsys {
namespace errors {

inline constexpr ParseError kBadRequest{400, "Bad Request", "The request is badly formed.", "BadRequest", frames::kClientErrorOther};
inline constexpr ParseError kInvalidLineEnd{400, "Bad Request", "The request is badly formed.", "Invalid_CR/LF", frames::kClientErrorLineEnd};
inline constexpr ParseError kMissingLineFeed{400, "Bad Request", "The request is badly formed.", "Invalid_CR/LF",
                                             frames::kClientErrorLineFeed};
inline constexpr ParseError kInvalidNumber{400, "Bad Request", "The request is badly formed.", "Number", frames::kClientErrorContentLength};
inline constexpr ParseError kRepeatedLength{400, "Bad Request", "The request is badly formed.", "Number",
                                            frames::kClientErrorRepeatedLength};
inline constexpr ParseError kInvalidFraming{400, "Bad Request", "The request is badly formed.", "BadRequest",
                                            frames::kClientErrorTransferEncoding};
inline constexpr ParseError kInvalidChunk{400, "Bad Request", "The request is badly formed.", "BadRequest", frames::kClientErrorChunk};
inline constexpr ParseError kChunkExtensions{400, "Bad Request", "The request is badly formed.", "BadRequest",
                                             frames::kClientErrorChunkExtensions};
// What stands where the target should: unlike a target that is only not to be served.
inline constexpr ParseError kInvalidTarget{400, "Bad Request - Invalid URL", "The request URL is invalid.", "URL", frames::kClientErrorUrl};
// The client ended in the middle of its request. Nobody is left to read a page; a program may be told.
inline constexpr ParseError kUnfinished{400, "Bad Request", "The request is badly formed.", "BadRequest", frames::kClientErrorEof};
inline constexpr ParseError kInvalidVerb{400, "Bad Request - Invalid Verb", "The request verb is invalid.", "Verb", frames::kClientErrorMethod};
inline constexpr ParseError kInvalidUrl{400, "Bad Request - Invalid URL", "The request URL is invalid.", "URL"};
inline constexpr ParseError kInvalidHost{400, "Bad Request - Invalid Hostname", "The request hostname is invalid.", "Hostname"};
inline constexpr ParseError kInvalidHeader{400, "Bad Request - Invalid Header", "The request has an invalid header name.", "Header", frames::kClientErrorHeader};
inline constexpr ParseError kUnauthorized{401, "Not Authorized", "The requested resource requires user authentication.", "Unauthorized"};
inline constexpr ParseError kNotFound{404, "Not Found", "The requested resource is not found.", "NotFound"};
inline constexpr ParseError kHeaderTimeout{408, "Request Timeout", "The request was not received in time.", "Timer_HeaderWait", frames::kClientErrorTimeout};
inline constexpr ParseError kBodyTimeout{408, "Request Timeout", "The request was not received in time.", "Timer_EntityBody", frames::kClientErrorTimeout};
inline constexpr ParseError kLengthRequired{411, "Length Required", "The request must be chunked or have a content length.",
                                            "LengthRequired"};
inline constexpr ParseError kBodyTooLarge{413, "Payload Too Large", "The request entity is too large.", "EntityTooLarge"};
inline constexpr ParseError kUrlTooLong{414, "Request URL Too Long", "The request URL is too long.", "URL_Length", frames::kClientErrorHeaderOverflow};
inline constexpr ParseError kHeadTooLong{431, "Bad Request - Request Too Long", "The size of the request headers is too long.",
                                         "RequestLength", frames::kClientErrorHeaderOverflow};
inline constexpr ParseError kFieldTooLong{431, "Bad Request - Request Too Long", "The size of the request headers is too long.",
                                          "FieldLength", frames::kClientErrorHeaderOverflow};
inline constexpr ParseError kTooManyFields{431, "Bad Request - Request Too Long", "The size of the request headers is too long.",
                                           "FieldCount", frames::kClientErrorHeaderOverflow};
inline constexpr ParseError kUnknownTransferEncoding{501, "Not Implemented", "The request transfer encoding type is not supported.",
                                                     "N/I", frames::kClientErrorTransferEncoding};
inline constexpr ParseError kUnavailable{503, "Service Unavailable", "The service is unavailable.", "Disabled"};
inline constexpr ParseError kQueueFull{503, "Service Unavailable", "The service is unavailable.", "QueueFull"};
inline constexpr ParseError kConnectionLimit{503, "Service Unavailable", "The service is unavailable.", "ConnLimit"};
inline constexpr ParseError kUnknownVersion{505, "HTTP Version Not Supported", "The HTTP version is not supported.", "Version_N/S", frames::kClientErrorVersion};

}  // namespace errors

// QUEUE-10: waited longer than the queue's timeout.
inline constexpr ParseError kQueueTimeout{503, "Service Unavailable", "The service is unavailable.", "Timer_AppPool"};
// SHUT-6: the process that had the request is gone.
inline constexpr ParseError kAbandoned{503, "Service Unavailable", "The service is unavailable.", "Connection_Abandoned_By_AppPool"};
// The application's response breaks the rules of docs/frames.md.
inline constexpr ParseError kBrokenResponse{500, "Internal Server Error", "The application gave a malformed response.", "Internal"};
}  // namespace httpsys
