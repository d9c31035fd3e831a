import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '#base/problem'

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** What the check looks at. */
export interface GuardedRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly raw: { readonly rawHeaders: readonly string[] }
}

/**
 * Gives the check that keeps other web pages out of a server without login: the Host must be one of ours
 * (or DNS rebinding would reach us; `*` is for containers, whose names others choose), and a browser's request must come from our own pages (CSRF).
 */
export function requestGuard(allowedHosts: readonly string[]): (request: GuardedRequest) => void {
  const hosts = new Set([...LOOPBACK_NAMES, ...allowedHosts.map(hostName)])
  return (request) => {
    const host = request.headers.host ?? ''
    if (hostsNamed(request.raw.rawHeaders) > 1)
      throw new Problem('invalid', 'a request names one Host, and this names several')
    if (!hosts.has('*') && !hosts.has(hostName(host)))
      throw new Problem(
        'forbidden',
        `the Host ${JSON.stringify(host)} is not served here; name it in the setting allowedHosts if it is yours`,
      )
    const { origin } = request.headers
    const site = request.headers['sec-fetch-site']
    const reading = request.method === 'GET' || request.method === 'HEAD'
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`)
      throw new Problem(
        'forbidden',
        `requests from the origin ${JSON.stringify(origin)} are refused`,
      )
    if (!reading && site !== undefined && site !== 'same-origin' && site !== 'none')
      throw new Problem('forbidden', 'requests that a page of another site makes are refused')
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Names and values take turns in headers as they came. */
function hostsNamed(headers: readonly string[]): number {
  return headers.filter((each, at) => at % 2 === 0 && each.toLowerCase() === 'host').length
}

function hostName(host: string): string {
  return host.trim().replace(/:\d+$/, '').toLowerCase()
}
