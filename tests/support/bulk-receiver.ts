import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How the next requests are met; each way is used up by one request. */
export type Mishap =
  | { readonly kind: 'away'; readonly status: number }
  /** It takes the documents, and its answer is lost. */
  | { readonly kind: 'mute' }
  /** It takes some documents and is too busy for every second one. */
  | { readonly kind: 'busy' }

type Source = Readonly<Record<string, unknown>> & { readonly '@timestamp': string }

/**
 * What a search engine does with `_bulk`, by Elastic's own description: pairs of lines, the last of which ends; into data
 * streams only `create`, each document with a time; a document of a known id is a conflict; each is answered by itself.
 */
export async function startBulkReceiver({ documentsMax = 10_000, key = '' } = {}) {
  const streams = new Map<string, Map<string, Source>>()
  const mishaps: Mishap[] = []
  const requests: { path: string; documents: number; agent: string }[] = []
  const refused = new Set<string>()

  const take = (lines: readonly string[], isBusy: boolean) =>
    pairs(lines).map(([action, source], at) => {
      const { create } = action as { create?: { _index: string; _id: string } }
      if (create === undefined || Object.keys(action).length !== 1)
        return failed(400, 'illegal_argument_exception', 'only create is allowed in data streams')
      const { _index: index, _id: id } = create
      if (!/^logs-[a-z0-9_.]+-[a-z0-9_.]+$/.test(index))
        return failed(400, 'invalid_index_name_exception', index)
      if (isBusy && at % 2 === 1) return failed(429, 'es_rejected_execution_exception', 'full')
      if (Number.isNaN(Date.parse(source['@timestamp'])))
        return failed(400, 'document_parsing_exception', 'data stream timestamp field is missing')
      for (const path of refused)
        if (
          path.split('.').reduce<unknown>((of, part) => (of as never)?.[part], source) !== undefined
        )
          return failed(400, 'document_parsing_exception', `failed to parse field [${path}]`)
      const stream = streams.get(index) ?? new Map<string, Source>()
      streams.set(index, stream)
      if (stream.has(id)) return failed(409, 'version_conflict_engine_exception', 'exists')
      stream.set(id, source)
      return { create: { status: 201 } }
    })

  const server = createServer((request, response) => {
    void (async () => {
      const text = await textOf(request)
      const answer = tell.bind(undefined, response)
      const [path] = (request.url ?? '').split('?')
      const type = request.headers['content-type']
      if (key !== '' && request.headers.authorization !== `ApiKey ${key}`)
        return answer(401, { error: { type: 'security_exception' } })
      if (request.method !== 'POST' || path !== '/_bulk' || type !== 'application/x-ndjson')
        return answer(406, { error: { type: 'media_type_header_exception' } })
      if (!text.endsWith('\n'))
        return answer(400, {
          error: { reason: 'The bulk request must be terminated by a newline [\\n]' },
        })
      const lines = text.split('\n').slice(0, -1)
      requests.push({
        path,
        documents: lines.length / 2,
        agent: request.headers['user-agent'] ?? '',
      })
      if (lines.length / 2 > documentsMax) return answer(413, {})
      const mishap = mishaps.shift()
      if (mishap?.kind === 'away') return answer(mishap.status, { error: 'away' })
      const items = take(lines, mishap?.kind === 'busy')
      if (mishap?.kind === 'mute') return request.socket.destroy()
      return answer(200, { errors: items.some(({ create }) => create.status >= 300), items })
    })()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mishaps,
    requests,
    refused,
    documents: (stream: string) => [...(streams.get(stream)?.values() ?? [])],
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function tell(response: ServerResponse, status: number, body: object) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function failed(status: number, type: string, reason: string) {
  return { create: { status, error: { type, reason } } }
}

function pairs(lines: readonly string[]): [object, Source][] {
  const found: [object, Source][] = []
  for (let at = 0; at < lines.length; at += 2)
    found.push([JSON.parse(lines[at] ?? ''), JSON.parse(lines[at + 1] ?? '')] as [object, Source])
  return found
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
