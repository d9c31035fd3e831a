import type { MlflowApp } from './app.ts'

/** The release of MLflow whose protocol this is; clients change what they send by it. */
export const MLFLOW_VERSION = '3.17.2'

/** What this server can do, which clients ask before the first download. */
export function serverInfoRoutes(app: MlflowApp): void {
  app.get('/mlflow/server-info', async () => ({
    store_type: 'SqlStore',
    workspaces_enabled: false,
    trace_archival_enabled: false,
    multipart_uploads_enabled: false,
    multipart_downloads_enabled: false,
    presigned_upload_run_id_supported: false,
    presigned_upload_model_id_supported: false,
    features_enabled: { gateway: false },
  }))
}

export function versionRoute(app: MlflowApp): void {
  app.get('/version', async (_, reply) => reply.type('text/plain').send(MLFLOW_VERSION))
}
