import type { IncomingHttpHeaders } from 'node:http'
import type { Actor } from '#ledger'
import type { Author } from '#registry'

/** MLflow's requests have no place for why something is done; ours may say it in this header. */
const REASON = 'x-orrery-reason'

/** Who asks, with the reason that the request gives. */
export function authorOf(actor: Actor, headers: IncomingHttpHeaders): Author {
  const given = headers[REASON]
  const reason = Array.isArray(given) ? given.join(' ') : given
  return reason === undefined ? actor : { ...actor, reason: textOf(reason).trim() }
}

/** Headers are read as Latin-1, while most who write other letters send UTF-8. */
function textOf(header: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'))
  } catch {
    return header
  }
}
