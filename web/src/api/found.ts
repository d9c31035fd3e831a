import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { DataListWire } from '#protocols/api/data-wire'
import type { FoldersWire } from '#protocols/api/folders-wire'
import type { ModelsWire } from '#protocols/api/models-wire'
import type { RunsWire } from '#protocols/api/runs-wire'
import { askJson } from './ask.ts'
import { getJson } from './get.ts'

const OF_EACH = '6'

/** What has a name that holds some letters. */
export interface Found {
  readonly experiments: readonly { readonly id: string; readonly name: string }[]
  readonly runs: readonly { readonly id: string; readonly name: string; readonly of: string }[]
  readonly models: readonly string[]
  readonly datasets: readonly { readonly project: string; readonly path: string }[]
}

export function foundQuery(letters: string) {
  return queryOptions({
    queryKey: ['found', letters],
    queryFn: async ({ signal }): Promise<Found> => {
      const search = new URLSearchParams({ search: letters, limit: OF_EACH }).toString()
      const [experiments, runs, models, data] = await Promise.all([
        getJson<FoldersWire>(`/api/v1/experiments?${search}`, signal),
        askJson<RunsWire>('POST', '/api/v1/runs/search', {
          body: {
            filter: filterFor(letters),
            columns: ['attributes.run_name', 'attributes.experiment_name'],
            limit: Number(OF_EACH),
          },
          signal,
        }),
        getJson<ModelsWire>(`/api/v1/models?${search}`, signal),
        getJson<DataListWire>(`/api/v1/datasets?${search}`, signal),
      ])
      return {
        experiments: experiments.experiments.map(({ experimentId, name }) => ({
          id: experimentId,
          name,
        })),
        runs: runs.runs.map(({ runId, values: [name, of] }) => ({
          id: runId,
          name: String(name ?? runId),
          of: String(of ?? ''),
        })),
        models: models.models.map(({ name }) => name),
        datasets: data.datasets,
      }
    },
    enabled: letters !== '',
    placeholderData: keepPreviousData,
    retry: false,
    staleTime: 10_000,
  })
}

/** Runs by what they are called, or by their identifier. */
function filterFor(letters: string): string {
  if (/^[0-9a-f]{32}$/.test(letters)) return `attributes.run_id = '${letters}'`
  // A filter has no way to write a quote of either kind beside the other: what is left still finds it.
  const safe = letters.replaceAll(/['"`\\]/g, '_')
  return `attributes.run_name ILIKE '%${safe}%'`
}
