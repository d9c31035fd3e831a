import { resolve } from 'node:path'
import { Problem, type ProblemCode } from '#base/problem'
import { environment, loadConfig } from '#app/settings/config'
import { runningServer } from '#app/home/home'

/** The server's REST API as commands call it. Failures come back as the same `Problem` that the server meant. */
export interface ApiClient {
  readonly url: string
  get<T>(path: string, query?: Readonly<Record<string, string | number | undefined>>): Promise<T>
  post<T>(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<T>
  /** The same of JSON that is written already, with all its digits. */
  postText<T>(path: string, text: string): Promise<T>
  put<T>(path: string, body: unknown): Promise<T>
  patch<T>(path: string, body: unknown): Promise<T>
  delete(path: string): Promise<void>
  /** The bytes of an answer as they come. */
  stream(path: string): AsyncIterable<Uint8Array>
}

/** Which server the flags mean: --url, ORRERY_URL, MLFLOW_TRACKING_URI, the one that runs in --home, or the default address. */
export async function serverUrl(
  flags: { url?: string | undefined; home?: string | undefined },
  variables: Readonly<Record<string, string | undefined>> = environment,
): Promise<string> {
  const named = flags.url ?? variables['ORRERY_URL'] ?? variables['MLFLOW_TRACKING_URI']
  if (named !== undefined) return named.replace(/\/+$/, '')
  const { config } = loadConfig(
    flags.home === undefined ? {} : { home: resolve(flags.home) },
    variables,
  )
  const running = await runningServer(config.home)
  return running?.url ?? `http://127.0.0.1:${config.port}`
}

interface Sent {
  readonly body?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export function apiClient(url: string): ApiClient {
  const request = async (
    method: string,
    path: string,
    { body, text, headers = {} }: Sent = {},
  ): Promise<Response> => {
    const json = text ?? (body === undefined ? undefined : JSON.stringify(body))
    let response: Response
    try {
      response = await fetch(`${url}/api/v1${path}`, {
        method,
        ...(json === undefined
          ? {}
          : { body: json, headers: { 'content-type': 'application/json', ...headers } }),
      })
    } catch (cause) {
      throw noAnswer(url, cause)
    }
    if (response.ok) return response
    throw problemIn(await response.text(), response.status, url)
  }
  const call = async <T>(method: string, path: string, sent?: Sent): Promise<T> => {
    const response = await request(method, path, sent)
    const text = await response.text().catch((cause: unknown) => {
      throw noAnswer(url, cause)
    })
    return answerIn(text, response.status, url) as T
  }
  return {
    url,
    get: (path, query = {}) => {
      const given = Object.entries(query).filter(([, value]) => value !== undefined) as [
        string,
        string | number,
      ][]
      const search = new URLSearchParams(
        given.map(([key, value]) => [key, String(value)] as [string, string]),
      ).toString()
      return call('GET', search === '' ? path : `${path}?${search}`)
    },
    post: (path, body, headers = {}) => call('POST', path, { body, headers }),
    postText: (path, text) => call('POST', path, { text }),
    put: (path, body) => call('PUT', path, { body }),
    patch: (path, body) => call('PATCH', path, { body }),
    delete: async (path) => void (await request('DELETE', path)),
    stream: async function* (path) {
      yield* (await request('GET', path)).body ?? []
    },
  }
}

function noAnswer(url: string, cause: unknown): Problem {
  return new Problem(
    'unavailable',
    `no server answers at ${url}; start one with "orrery up" or name it with --url`,
    { cause: String(cause) },
  )
}

function problemIn(text: string, status: number, url: string): Problem {
  try {
    const { code, detail, request } = JSON.parse(text) as {
      code: ProblemCode
      detail: string
      request: string
    }
    if (typeof detail === 'string') return new Problem(code, detail, { request })
  } catch {
    // Not our server's words: told below by what we do know.
  }
  return stranger(status, url)
}

function answerIn(text: string, status: number, url: string): unknown {
  try {
    return JSON.parse(text === '' ? 'null' : text) as unknown
  } catch {
    throw stranger(status, url)
  }
}

function stranger(status: number, url: string): Problem {
  return new Problem(
    'unavailable',
    `${url} answered ${status}, not as an Orrery server does; check the address`,
  )
}

/** Why something is done, for the history of what it is done to. */
function reasonHeader(reason: string | undefined): Record<string, string> {
  // Headers are Latin-1; the server takes the bytes for UTF-8.
  if (reason === undefined) return {}
  return { 'x-orrery-reason': Buffer.from(reason.replaceAll(/\s+/g, ' ')).toString('latin1') }
}

/** The server's MLflow REST API, for what our own does not repeat. `path` is below `/api/2.0/mlflow/`; with a body it is a POST. */
export async function mlflowCall<T>(
  url: string,
  path: string,
  body?: Readonly<Record<string, unknown>>,
  { reason }: { reason?: string | undefined } = {},
): Promise<T> {
  let response: Response
  try {
    response = await fetch(
      `${url}/api/2.0/mlflow/${path}`,
      body === undefined
        ? {}
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...reasonHeader(reason) },
            body: JSON.stringify(body),
          },
    )
  } catch (cause) {
    throw noAnswer(url, cause)
  }
  const text = await response.text().catch((cause: unknown) => {
    throw noAnswer(url, cause)
  })
  const answer = answerIn(text, response.status, url) as T & { message?: string }
  if (response.ok) return answer
  throw answer.message === undefined
    ? stranger(response.status, url)
    : new Problem('invalid', answer.message)
}
