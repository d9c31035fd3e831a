/** Gets JSON from our own server. Throws an error with the server's own sentence when it says no. */
export async function getJson<Wire>(path: string, signal?: AbortSignal): Promise<Wire> {
  const response = await fetch(path, {
    headers: { accept: 'application/json' },
    ...(signal === undefined ? {} : { signal }),
  })
  if (!response.ok) throw new Error(await sentenceIn(response))
  return (await response.json()) as Wire
}

export async function sentenceIn(response: Response): Promise<string> {
  try {
    // Our own answers say `detail`, those in MLflow's words `message`.
    const { detail, message } = (await response.json()) as { detail?: string; message?: string }
    return detail ?? message ?? `the server answered ${response.status}`
  } catch {
    return `the server answered ${response.status}`
  }
}
