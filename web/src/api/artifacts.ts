import { queryOptions } from '@tanstack/react-query'
import { getJson, sentenceIn } from './get.ts'

/** Whose files are meant: a run's, or a model's that a run logged. */
export interface FilesOf {
  readonly run: string
  readonly model?: string | undefined
}

export interface FileWire {
  readonly path: string
  readonly is_dir: boolean
  readonly file_size?: number
}

const MLFLOW = '/ajax-api/2.0/mlflow'
/** More than this of a file nobody reads on a page. */
export const PREVIEW_BYTES_MAX = 256 * 1024

export function filesQuery({ run, model }: FilesOf, path: string) {
  const asked =
    model === undefined
      ? `${MLFLOW}/artifacts/list?${new URLSearchParams({ run_id: run, path }).toString()}`
      : `${MLFLOW}/logged-models/${encodeURIComponent(model)}/artifacts/directories?${new URLSearchParams({ artifact_directory_path: path }).toString()}`
  return queryOptions({
    queryKey: ['files', run, model, path],
    queryFn: async ({ signal }) => {
      const { files = [] } = await getJson<{ files?: FileWire[] }>(asked, signal)
      return files.toSorted(
        (a, b) => Number(b.is_dir) - Number(a.is_dir) || a.path.localeCompare(b.path),
      )
    },
    retry: false,
    staleTime: 5000,
  })
}

/** Where a file is had. The server hands it out as an attachment only: it never is a page of ours. */
export function fileAddress({ run, model }: FilesOf, path: string): string {
  return model === undefined
    ? `/get-artifact?${new URLSearchParams({ run_uuid: run, path }).toString()}`
    : `${MLFLOW}/logged-models/${encodeURIComponent(model)}/artifacts/files?${new URLSearchParams({ artifact_file_path: path }).toString()}`
}

export interface Begun {
  readonly text: string
  /** Whether it looks like something that people read. */
  readonly isText: boolean
  readonly sizeBytes: number
  readonly isWhole: boolean
}

/** The beginning of a file as text. */
export function beginningQuery(of: FilesOf, path: string) {
  return queryOptions({
    queryKey: ['beginning', of.run, of.model, path],
    queryFn: async ({ signal }): Promise<Begun> => {
      const response = await fetch(fileAddress(of, path), {
        headers: { range: `bytes=0-${PREVIEW_BYTES_MAX - 1}` },
        signal,
      })
      // There is no part of an empty file.
      if (response.status === 416) return { text: '', isText: true, sizeBytes: 0, isWhole: true }
      if (!response.ok) throw new Error(await sentenceIn(response))
      const bytes = new Uint8Array(await response.arrayBuffer())
      const told = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
      const sizeBytes = Number(told ?? bytes.length)
      const text = new TextDecoder().decode(bytes, { stream: true })
      const isText = !text.includes('\0') && !text.slice(0, 1000).includes('\uFFFD')
      return { text, isText, sizeBytes, isWhole: sizeBytes <= bytes.length }
    },
    retry: false,
    staleTime: 30_000,
  })
}

/** More than a stage's plots ever have, which are thinned for looking at. */
const PLOTS_BYTES_MAX = 8 * 1024 * 1024

/** What the plots of a stage's run show; only of a run that has them. */
export function plotsQuery(run: string) {
  return queryOptions({
    queryKey: ['plots', run],
    queryFn: async ({ signal }): Promise<string> => {
      const response = await fetch(fileAddress({ run }, 'plots/plots.json'), {
        headers: { range: `bytes=0-${PLOTS_BYTES_MAX - 1}` },
        signal,
      })
      // A folder of that name may be anybody's.
      return response.ok ? response.text() : ''
    },
    retry: false,
    staleTime: 30_000,
  })
}
