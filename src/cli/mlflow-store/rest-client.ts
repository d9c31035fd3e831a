import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, Problem } from '#base/problem'

type Variables = Readonly<Record<string, string | undefined>>
type Query = Readonly<Record<string, string | number>>

/** An MLflow server, with the credentials that its own clients read from the environment. */
export interface RestClient {
  readonly url: string
  get<T>(path: string, query?: Query): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  /** The answer as it comes; undefined when there is no such thing. */
  fetch(path: string, query?: Query): Promise<Response | undefined>
}

const TRIES = 6
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

export function restClient(address: string, variables: Variables): RestClient {
  const { url, authorization } = addressIn(address, variables)
  const request = async (path: string, init: RequestInit, query: Query = {}): Promise<Response> => {
    const search = new URLSearchParams(
      Object.entries(query).map(([key, value]) => [key, String(value)] as [string, string]),
    ).toString()
    const target = `${url}${path}${search === '' ? '' : `?${search}`}`
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(target, {
        ...init,
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
          ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
      }).catch((cause: unknown) => cause)
      const isPassing = !(answer instanceof Response) || PASSING.has(answer.status)
      if (!isPassing) return answer
      if (attempt === TRIES || (attempt === 3 && isRefused(answer))) throw failed(target, answer)
      await sleep(200 * 2 ** attempt)
    }
  }
  const call = async <T>(path: string, init: RequestInit, query?: Query): Promise<T> => {
    const answer = await request(path, init, query)
    const text = await answer.text()
    if (answer.ok) return jsonIn(text, url) as T
    throw refusal(`${url}${path}`, answer.status, text)
  }
  return {
    url,
    get: (path, query) => call(path, {}, query),
    post: (path, body) => call(path, { method: 'POST', body: JSON.stringify(body) }),
    fetch: async (path, query) => {
      const answer = await request(path, {}, query)
      if (answer.ok) return answer
      if (answer.status === 404) return undefined
      throw refusal(`${url}${path}`, answer.status, await answer.text())
    },
  }
}

/** The address without credentials, and the header that carries them. */
function addressIn(address: string, variables: Variables) {
  const parsed = new URL(address)
  const user = decodeURIComponent(parsed.username) || variables['MLFLOW_TRACKING_USERNAME']
  const password = decodeURIComponent(parsed.password) || variables['MLFLOW_TRACKING_PASSWORD']
  const token = variables['MLFLOW_TRACKING_TOKEN']
  parsed.username = ''
  parsed.password = ''
  const basic = Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')
  const authorization =
    user !== undefined && user !== ''
      ? `Basic ${basic}`
      : token === undefined || token === ''
        ? undefined
        : `Bearer ${token}`
  return { url: parsed.href.replace(/\/+$/, ''), authorization }
}

function isRefused(answer: unknown): boolean {
  return String((answer as { cause?: unknown }).cause).includes('ECONNREFUSED')
}

function failed(target: string, answer: unknown): Problem {
  const why =
    answer instanceof Response
      ? `answers ${answer.status}`
      : `cannot be reached (${messageOf((answer as { cause?: unknown }).cause ?? answer)})`
  return new Problem('unavailable', `${target} ${why}; see that it is up, and run this again`)
}

function refusal(target: string, status: number, text: string): Problem {
  if (status === 401 || status === 403)
    return new Problem(
      status === 401 ? 'unauthenticated' : 'forbidden',
      `${target} answers ${status}; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to one that may read everything`,
    )
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200)
  const code = status === 404 ? 'not-found' : 'invalid'
  return new Problem(code, `${target} answers ${status}: ${message}`)
}

function jsonIn(text: string, url: string): unknown {
  try {
    // Older servers write NaN and Infinity as bare words.
    const plain = /:\s*-?(?:NaN|Infinity)\b/.test(text)
      ? text.replace(/("value"\s*:\s*)(-?(?:NaN|Infinity))\b/g, '$1"$2"')
      : text
    return JSON.parse(plain === '' ? '{}' : plain) as unknown
  } catch {
    throw new Problem(
      'unavailable',
      `${url} does not answer as an MLflow server does; check the address`,
    )
  }
}
