import type { IncomingHttpHeaders } from 'node:http'

/** The head of a request that is as plain as nearly all are. */
export interface PlainHead {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[]
  readonly bodyBytes: number
}

const REQUEST = /^POST (\/[!-~]*) HTTP\/1\.1$/
const FIELD = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):[\t ]*([\t -~]*)$/
const LENGTH = /^\d{1,10}$/

/** Headers of requests that are read otherwise than from their bytes as they are, or answered otherwise. */
const RARE = new Set([
  'connection',
  'content-encoding',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Reads the head of a request, without the blank line behind it. Gives nothing for whatever is not wholly plain, be it allowed
 * or not: that is for a parser that knows all of HTTP.
 */
export function plainHead(text: string): PlainHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const path = REQUEST.exec(first)?.[1]
  if (path === undefined) return undefined
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  const rawHeaders: string[] = []
  for (const line of lines) {
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined) return undefined
    const key = name.toLowerCase()
    const said = value.trimEnd()
    const isUsual = key === 'connection' && said.toLowerCase() === 'keep-alive'
    // Sent twice, some are joined and some refused.
    if (key in headers || (RARE.has(key) && !isUsual)) return undefined
    headers[key] = said
    rawHeaders.push(name, said)
  }
  const length = headers['content-length']
  if (headers['host'] === undefined || length === undefined || !LENGTH.test(length))
    return undefined
  return { path, headers: Object.freeze(headers), rawHeaders, bodyBytes: Number(length) }
}
