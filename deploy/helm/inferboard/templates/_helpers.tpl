{{- define "inferboard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "inferboard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "inferboard.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "inferboard.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "inferboard.selector" -}}
app.kubernetes.io/name: {{ include "inferboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "inferboard.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "inferboard.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "inferboard.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "inferboard.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "inferboard.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end -}}

{{/* A list of texts in TOML, which writes them as JSON does. */}}
{{- define "inferboard.tomlList" -}}
[{{ range $at, $text := . }}{{ if $at }}, {{ end }}{{ $text | toJson }}{{ end }}]
{{- end -}}

{{- define "inferboard.fleetConfig" -}}
{{- $name := include "inferboard.fullname" . -}}
{{- $namespace := .Release.Namespace -}}
{{- $hosts := list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.cluster.local" $name $namespace) -}}
listen = "0.0.0.0:7117"
allow_open_network = true
allowed_hosts = {{ include "inferboard.tomlList" (concat $hosts .Values.allowedHosts) }}
retention = {{ .Values.retention | toJson }}
# The nodes and their GPUs are measured on the nodes.
gpus = false
discovery = false
{{- with .Values.fleet.config }}
{{ . | trim }}
{{- end }}

[[kubernetes]]
namespaces = {{ include "inferboard.tomlList" (.Values.fleet.namespaces | default (list $namespace)) }}
selector = {{ .Values.fleet.selector | default (printf "app.kubernetes.io/name!=%s" (include "inferboard.name" .)) | toJson }}
{{- with .Values.fleet.port }}
port = {{ if kindIs "string" . }}{{ . | toJson }}{{ else }}{{ int . }}{{ end }}
{{- end }}
{{- if .Values.gpus.enabled }}

# The companions of this chart on nodes with GPUs.
[[kubernetes]]
namespaces = {{ include "inferboard.tomlList" (list $namespace) }}
selector = {{ printf "app.kubernetes.io/name=%s,app.kubernetes.io/instance=%s,app.kubernetes.io/component=gpus" (include "inferboard.name" .) .Release.Name | toJson }}
port = "http"
replicas = false
{{- end }}
{{- end -}}

{{- define "inferboard.gpusConfig" -}}
listen = "0.0.0.0:7117"
allow_open_network = true
discovery = false
gpu_sample_interval = {{ .Values.gpus.sampleInterval | toJson }}
{{- with .Values.gpus.nvmlLibrary }}
nvml_library = {{ . | toJson }}
{{- end }}
procfs = "/host/proc"
sysfs = "/host/sys"
{{- end -}}

{{- define "inferboard.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "inferboard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "inferboard.probes" -}}
# Opening a long history takes a while.
startupProbe:
  httpGet: {path: /-/ready, port: http}
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  httpGet: {path: /-/ready, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
livenessProbe:
  httpGet: {path: /-/healthy, port: http}
  periodSeconds: 20
  timeoutSeconds: 10
  failureThreshold: 6
{{- end -}}
