import CCurl
import Glibc

extension ControlClient {
    /// What a failure of libcurl means here (libcurl-errors(3)).
    func error(_ code: CURLcode) -> ControlClientError {
        let endpoint = self.endpoint.description
        switch code {
        case CURLE_COULDNT_CONNECT:
            return .cannotReach(endpoint: endpoint, reason: self.connectFailure(code))
        case CURLE_COULDNT_RESOLVE_HOST:
            return .cannotReach(endpoint: endpoint, reason: .unknownHost)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
            return .cannotReach(endpoint: endpoint, reason: .notTrusted(Self.words(code)))
        case CURLE_OPERATION_TIMEDOUT:
            return .timedOut(endpoint: endpoint)
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE:
            return .disconnected(endpoint: endpoint, detail: Self.words(code))
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            return .unexpectedAnswer(Self.words(code))
        case CURLE_URL_MALFORMAT:
            return .invalidRequest("\(endpoint) is no address")
        default:
            return .cannotReach(endpoint: endpoint, reason: .other(Self.words(code)))
        }
    }

    private func connectFailure(_ code: CURLcode) -> ControlClientError.Unreachable {
        var number = 0
        cc_get_long(self.handle, CURLINFO_OS_ERRNO, &number)
        switch Int32(number) {
        case ENOENT: return .noSocket
        case ECONNREFUSED: return .refused
        case EACCES, EPERM: return .notPermitted
        case 0: return .other(Self.words(code))
        default: return .other(String(cString: strerror(Int32(number))))
        }
    }

    private static func words(_ code: CURLcode) -> String {
        let words = String(cString: curl_easy_strerror(code))
        return words.prefix(1).lowercased() + words.dropFirst()
    }
}
