/**
 * Paths that may be answers worth timing. Belongs here: the coarse sieve of the content script; the
 * worker judges exactly by the provider table.
 */
export const MAY_BE_ANSWER =
  /(?:\/(?:retry_)?completion|\/regenerate|\/edit_message|\/continue|\/StreamGenerate|\/api\/chat|\/new|\/responses|\/conversation\/[0-9a-f]{24})$/;
