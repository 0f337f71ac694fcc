// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The similar-name indexes of one catalog, made when a first request misses.
final class SuggestionIndex: Sendable {
}
