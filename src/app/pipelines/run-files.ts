import { messageOf, Problem } from '#base/problem'
import type { RecordedFile } from '#stages'

const ANSWER_MS = 30_000
const PROXIED = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+/

/** Keeps files with a run on a server, as its MLflow clients do. Throws `unavailable`: nobody waits for it. */
export async function sendFiles(
  baseUrl: string,
  { runId, files }: { runId: string; files: readonly RecordedFile[] },
  stopping: AbortSignal,
): Promise<void> {
  const server = `${baseUrl.replace(/\/+$/, '')}/api/2.0`
  const asked = `${server}/mlflow/runs/get?run_id=${encodeURIComponent(runId)}`
  const found = (await (await ask(asked, {}, stopping)).json()) as {
    run?: { info?: { artifact_uri?: string } }
  }
  const uri = found.run?.info?.artifact_uri ?? ''
  // Elsewhere than on the server its clients write by themselves, with keys of their own.
  if (!PROXIED.test(uri)) return
  const folder = uri.replace(PROXIED, '')
  for (const { path, bytes } of files) {
    const address = `${folder}/${path}`.split('/').map(encodeURIComponent).join('/')
    const init = { method: 'PUT', body: Buffer.from(bytes) }
    await ask(`${server}/mlflow-artifacts/artifacts/${address}`, init, stopping)
  }
}

async function ask(url: string, init: RequestInit, stopping: AbortSignal): Promise<Response> {
  let response: Response
  try {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(ANSWER_MS)])
    response = await fetch(url, { ...init, signal })
  } catch (error) {
    throw new Problem('unavailable', `${url} did not answer: ${messageOf(error)}`)
  }
  if (response.ok) return response
  const said = (await response.text()).slice(0, 200)
  throw new Problem('unavailable', `${url} answered ${response.status}: ${said}`)
}
