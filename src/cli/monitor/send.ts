import { setTimeout as sleep } from 'node:timers/promises'
import { printExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import { apiClient } from '../client.ts'

/** A server that is away for a moment is waited for. */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000]

/** Sends what does no harm when it is sent again: again, while nobody answers. */
export function patientSender(url: string): <T>(path: string, body: unknown) => Promise<T> {
  const { postText } = apiClient(url)
  return async (path, body) => {
    const text = printExactJson(body)
    for (const pauseMs of PAUSES_MS)
      try {
        return await postText(path, text)
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'unavailable') throw error
        await sleep(pauseMs)
      }
    return postText(path, text)
  }
}
