{{- define "agentserver.fullname" -}}
{{- if contains "agentserver" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-agentserver" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects every pod of this release; with component, one service's. Never changed: selectors are immutable. */}}
{{- define "agentserver.selector" -}}
app.kubernetes.io/name: agentserver
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .name }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "agentserver.labels" -}}
{{ include "agentserver.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The services by name, as JSON: what files/services.yaml says, with `values` and the ports' numbers. */}}
{{- define "agentserver.services" -}}
{{- $root := . -}}
{{- $services := .Files.Get "files/services.yaml" | fromYaml -}}
{{- range $name, $service := $services -}}
{{- $values := index $root.Values.services $name -}}
{{- $_ := set $service "values" $values -}}
{{- range $port := $service.ports -}}
{{- $number := dig $port.setting (dig $port.setting $port.default $root.Values.config) $values.config -}}
{{- $_ := set $port "number" (int $number) -}}
{{- end -}}
{{- end -}}
{{- $services | toJson -}}
{{- end -}}

{{/* Every variable of one service, as JSON: name -> {value}, {secret, key} or {file: {secret | configMap, key}}. */}}
{{- define "agentserver.environment" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- $full := include "agentserver.fullname" $root -}}
{{- $buffer := printf "%s-buffer:%v" $full .services.buffer.ports.grpc.number -}}
{{- $llm := printf "http://%s-llm-router:%v" $full (index .services "llm-router").ports.http.number -}}
{{- $billing := printf "http://%s-billing:%v" $full .services.billing.ports.http.number -}}
{{- $gateway := printf "http://%s-gateway:%v" $full .services.gateway.ports.http.number -}}
{{- $known := dict "AGENTSERVER_BUFFER_ADDRESS" $buffer "AGENTSERVER_LLM_URL" $llm "AGENTSERVER_BILLING_URL" $billing "AGENTSERVER_GATEWAY_URL" $gateway -}}
{{- if $root.Values.reconcile.enabled -}}{{- $_ := set $known "AGENTSERVER_RECONCILE_EVERY" "0s" -}}{{- end -}}
{{- $reads := concat $service.reads (list "AGENTSERVER_LOG_FORMAT" "AGENTSERVER_METRICS_TENANTS" "AGENTSERVER_OTLP_ENDPOINT") -}}
{{- if has "dynamodb" $service.stores -}}
{{- $reads = concat $reads (list "AWS_REGION" "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" "AWS_ROLE_ARN") -}}
{{- end -}}
{{- $environment := dict -}}
{{- range $name, $value := $known -}}
{{- if has $name $reads -}}{{- $_ := set $environment $name (dict "value" $value) -}}{{- end -}}
{{- end -}}
{{- range $name, $value := $root.Values.config -}}
{{- if or (has $name $reads) (hasPrefix "OTEL_" $name) -}}{{- $_ := set $environment $name (dict "value" (toString $value)) -}}{{- end -}}
{{- end -}}
{{- range $name, $source := $root.Values.secrets -}}
{{- if or (has $name $reads) (hasPrefix "OTEL_" $name) -}}
{{- $_ := set $environment $name (include "agentserver.source" (dict "object" $full "name" $name "source" $source) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $service.values.config -}}
{{- $_ := set $environment $name (dict "value" (toString $value)) -}}
{{- end -}}
{{- range $name, $source := $service.values.secrets -}}
{{- $object := printf "%s-%s" $full $.name -}}
{{- $_ := set $environment $name (include "agentserver.source" (dict "object" $object "name" $name "source" $source) | fromJson) -}}
{{- end -}}
{{- if and $root.Values.llmRoutes (has "AGENTSERVER_LLM_ROUTES" $reads) -}}
{{- $routes := dict "configMap" (printf "%s-llm-routes" $full) "key" "routes.yaml" -}}
{{- $_ := set $environment "AGENTSERVER_LLM_ROUTES" (dict "file" $routes) -}}
{{- end -}}
{{- $environment | toJson -}}
{{- end -}}

{{/* What a service reaches besides services of ours, as rules of its egress: each of `stores` that is always there, or that one of its variables names. */}}
{{- define "agentserver.reaches" -}}
{{- $environment := include "agentserver.environment" . | fromJson -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $named := dict
    "otlp" (list "AGENTSERVER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    "s3" (list "AGENTSERVER_STATIC_BUCKET" "AGENTSERVER_BACKUP_BUCKET")
    "stripe" (list "AGENTSERVER_STRIPE_KEY")
    "oidc" (list "AGENTSERVER_OIDC_ISSUER") -}}
{{- range $store := .stores }}
{{- $there := not (hasKey $named $store) }}
{{- range get $named $store | default list }}{{ if hasKey $environment . }}{{ $there = true }}{{ end }}{{ end }}
{{- if $there }}
{{- $reach := index $policy $store }}
- ports:
    {{- range $reach.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with $reach.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where a secret is: what the values name, or in the Secret that the chart makes of it. */}}
{{- define "agentserver.source" -}}
{{- $at := dict "secret" .object "key" .name -}}
{{- if .source.secret -}}{{- $at = dict "secret" .source.secret "key" .source.key -}}{{- end -}}
{{- if has .name (list "AGENTSERVER_PLATFORM_KEY" "AGENTSERVER_KAFKA_PROPERTIES" "AGENTSERVER_STATIC_KEY") -}}{{- $at = dict "file" $at -}}{{- end -}}
{{- $at | toJson -}}
{{- end -}}

{{/* The secrets that are given by value, as JSON: name -> text. */}}
{{- define "agentserver.given" -}}
{{- $given := dict -}}
{{- range $name, $source := . -}}
{{- if hasKey $source "value" -}}{{- $_ := set $given $name $source.value -}}{{- end -}}
{{- end -}}
{{- $given | toJson -}}
{{- end -}}

{{/* The directory that a variable's file is mounted in. */}}
{{- define "agentserver.mount" -}}
/etc/agentserver/{{ . | trimPrefix "AGENTSERVER_" | lower | replace "_" "-" }}
{{- end -}}

{{/* Whether the pump is scaled by KEDA, or a service by the HorizontalPodAutoscaler: "keda", "hpa" or nothing. */}}
{{- define "agentserver.scaler" -}}
{{- if and .root.Values.keda.enabled (eq .name "pump") -}}keda
{{- else if .service.values.autoscaling.enabled -}}hpa
{{- end -}}
{{- end -}}

{{/* What runs a service's pods: an Argo Rollout for gateway and pump where rollouts are enabled, else a Deployment. */}}
{{- define "agentserver.workload" -}}
{{- if and .root.Values.rollouts.enabled (has .name (list "gateway" "pump")) -}}Rollout{{- else -}}Deployment{{- end -}}
{{- end -}}

{{- define "agentserver.workloadVersion" -}}
{{- if eq (include "agentserver.workload" .) "Rollout" -}}argoproj.io/v1alpha1{{- else -}}apps/v1{{- end -}}
{{- end -}}

{{/* What cannot work is said here instead of in a pod's log. */}}
{{- define "agentserver.check" -}}
{{- $given := keys .Values.config .Values.secrets -}}
{{- range $setting, $remedy := dict
    "AGENTSERVER_KAFKA" "set config.AGENTSERVER_KAFKA to host:port of the brokers, with commas"
    "AGENTSERVER_PLATFORM_KEY" "set secrets.AGENTSERVER_PLATFORM_KEY to {secret: …, key: …} of the platform's JWK Set"
    "AGENTSERVER_PLATFORM_SECRET" "set secrets.AGENTSERVER_PLATFORM_SECRET to {secret: …, key: …}: base64 of 32 random bytes"
    "AGENTSERVER_REDIS_URL" "set config.AGENTSERVER_REDIS_URL, or the secret of that name, to redis://host:port" -}}
{{- if not (has $setting $given) -}}
{{- fail (printf "%s is not set: %s" $setting $remedy) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.config -}}
{{- if hasKey $.Values.secrets $name -}}
{{- fail (printf "%s is in config and in secrets: give it once" $name) -}}
{{- end -}}
{{- end -}}
{{- if .Values.networkPolicy.enabled -}}
{{- range $broker := splitList "," (default "" .Values.config.AGENTSERVER_KAFKA) | compact -}}
{{- if not (has ($broker | splitList ":" | last) (toStrings $.Values.networkPolicy.kafka.ports)) -}}
{{- fail (printf "networkPolicy.kafka.ports lacks the port of %s: the pods could not reach it" $broker) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .Values.networkPolicy.enabled -}}
{{- range $name := list "AGENTSERVER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" -}}
{{- with get $.Values.config $name -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- if not (has $port (toStrings $.Values.networkPolicy.otlp.ports)) -}}
{{- fail (printf "networkPolicy.otlp.ports lacks the port of %s=%s: the pods could not reach it" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.rollouts.smoke.secret (not .Values.rollouts.enabled) -}}
{{- fail "rollouts.smoke is used by rollouts alone: set rollouts.enabled" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not (values .Values.ingress.hosts | join "")) -}}
{{- fail "ingress.enabled needs at least one of ingress.hosts" -}}
{{- end -}}
{{- end -}}

{{- define "agentserver.image" -}}
{{- $image := .root.Values.image -}}
{{- if .service.values.image -}}
{{- .service.values.image -}}
{{- else -}}
{{- $path := printf "%s/%s-service" $image.repository .name -}}
{{- with $image.registry -}}{{- $path = printf "%s/%s" (trimSuffix "/" .) $path -}}{{- end -}}
{{- printf "%s:%s" $path (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}
