import { stringify } from 'yaml'

/** What runs an image, for a cluster to be told. */
export type ManifestKind = 'kubernetes' | 'kserve'

/** The manifests as one YAML text, for `kubectl apply -f -`. */
export function manifestsOf(
  kind: ManifestKind,
  { name, image }: { name: string; image: string },
): string {
  const documents =
    kind === 'kubernetes' ? kubernetes(name, image) : [inferenceService(name, image)]
  // Not every reader of manifests follows anchors.
  const options = { lineWidth: 0, aliasDuplicateObjects: false }
  return documents.map((document) => stringify(document, options)).join('---\n')
}

/** A name as Kubernetes takes it for services (RFC 1035): it begins with a letter. */
export function clusterName(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-')
  const named = /[a-z]/.test(plain[0] ?? '') ? plain : `model-${plain.replace(/^-+/, '')}`
  return named.slice(0, 63).replace(/-+$/, '')
}

const PORT = 8080
const GRPC_PORT = 8081

/** KServe lets a container have no more ports than the one that is asked over HTTP. */
function container(name: string, image: string) {
  const probe = (path: string, more: object) => ({ httpGet: { path, port: PORT }, ...more })
  return {
    name,
    image,
    ports: [{ containerPort: PORT, protocol: 'TCP' }],
    startupProbe: probe('/v2/health/ready', { periodSeconds: 1, failureThreshold: 120 }),
    readinessProbe: probe('/v2/health/ready', { periodSeconds: 5 }),
    livenessProbe: probe('/v2/health/live', { periodSeconds: 10 }),
    resources: { requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    securityContext: {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }
}

function modelContainer(image: string) {
  const made = container('model', image)
  return { ...made, ports: [...made.ports, { containerPort: GRPC_PORT, protocol: 'TCP' }] }
}

const SCRATCH = [{ name: 'tmp', emptyDir: {} }]

function kubernetes(name: string, image: string): object[] {
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'orrery' }
  const selector = { 'app.kubernetes.io/name': name }
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        template: {
          metadata: { labels },
          spec: {
            // A stop finishes what was begun, for up to 25 seconds.
            terminationGracePeriodSeconds: 30,
            containers: [modelContainer(image)],
            volumes: SCRATCH,
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels },
      spec: {
        selector,
        ports: [
          { name: 'http', port: 80, targetPort: PORT },
          {
            name: 'grpc',
            port: GRPC_PORT,
            targetPort: GRPC_PORT,
            appProtocol: 'kubernetes.io/h2c',
          },
        ],
      },
    },
  ]
}

/** KServe finds a model server of its own by the container's name. */
function inferenceService(name: string, image: string): object {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name },
    spec: {
      predictor: { containers: [container('kserve-container', image)], volumes: SCRATCH },
    },
  }
}
