/** The definitions of apps.v1, one a line; written by `npm run schemas`, read by definitions.ts. */
export const appsV1 = `\
ControllerRevision {"f":{"apiVersion":"string","data":"#meta.v1.RawExtension","kind":"string","metadata":"#meta.v1.ObjectMeta","revision":"integer:int64"},"q":["revision"]} ["apps","v1","ControllerRevision"]
Deployment {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#apps.v1.DeploymentSpec","status":"#apps.v1.DeploymentStatus"}} ["apps","v1","Deployment"]
DeploymentCondition {"f":{"lastTransitionTime":"#meta.v1.Time","lastUpdateTime":"#meta.v1.Time","message":"string","reason":"string","status":"string","type":"string"},"q":["type","status"]}
DeploymentSpec {"f":{"minReadySeconds":"integer:int32","paused":"boolean","progressDeadlineSeconds":"integer:int32","replicas":"integer:int32","revisionHistoryLimit":"integer:int32","selector":"#meta.v1.LabelSelector","strategy":{"r":"#apps.v1.DeploymentStrategy","s":"retainKeys"},"template":"#core.v1.PodTemplateSpec"},"q":["selector","template"]}
DeploymentStatus {"f":{"availableReplicas":"integer:int32","collisionCount":"integer:int32","conditions":{"l":"#apps.v1.DeploymentCondition","t":"map","k":["type"],"s":"merge","m":"type"},"observedGeneration":"integer:int64","readyReplicas":"integer:int32","replicas":"integer:int32","terminatingReplicas":"integer:int32","unavailableReplicas":"integer:int32","updatedReplicas":"integer:int32"}}
DeploymentStrategy {"f":{"rollingUpdate":"#apps.v1.RollingUpdateDeployment","type":"string"}}
ReplicaSet {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#apps.v1.ReplicaSetSpec","status":"#apps.v1.ReplicaSetStatus"}} ["apps","v1","ReplicaSet"]
ReplicaSetCondition {"f":{"lastTransitionTime":"#meta.v1.Time","message":"string","reason":"string","status":"string","type":"string"},"q":["type","status"]}
ReplicaSetSpec {"f":{"minReadySeconds":"integer:int32","replicas":"integer:int32","selector":"#meta.v1.LabelSelector","template":"#core.v1.PodTemplateSpec"},"q":["selector"]}
ReplicaSetStatus {"f":{"availableReplicas":"integer:int32","conditions":{"l":"#apps.v1.ReplicaSetCondition","t":"map","k":["type"],"s":"merge","m":"type"},"fullyLabeledReplicas":"integer:int32","observedGeneration":"integer:int64","readyReplicas":"integer:int32","replicas":"integer:int32","terminatingReplicas":"integer:int32"},"q":["replicas"]}
RollingUpdateDeployment {"f":{"maxSurge":"#meta.v1.IntOrString","maxUnavailable":"#meta.v1.IntOrString"}}
RollingUpdateStatefulSetStrategy {"f":{"maxUnavailable":"#meta.v1.IntOrString","partition":"integer:int32"}}
StatefulSet {"f":{"apiVersion":"string","kind":"string","metadata":"#meta.v1.ObjectMeta","spec":"#apps.v1.StatefulSetSpec","status":"#apps.v1.StatefulSetStatus"}} ["apps","v1","StatefulSet"]
StatefulSetCondition {"f":{"lastTransitionTime":"#meta.v1.Time","message":"string","reason":"string","status":"string","type":"string"},"q":["type","status"]}
StatefulSetOrdinals {"f":{"start":"integer:int32"}}
StatefulSetPersistentVolumeClaimRetentionPolicy {"f":{"whenDeleted":"string","whenScaled":"string"}}
StatefulSetSpec {"f":{"minReadySeconds":"integer:int32","ordinals":"#apps.v1.StatefulSetOrdinals","persistentVolumeClaimRetentionPolicy":"#apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy","podManagementPolicy":"string","replicas":"integer:int32","revisionHistoryLimit":"integer:int32","selector":"#meta.v1.LabelSelector","serviceName":"string","template":"#core.v1.PodTemplateSpec","updateStrategy":"#apps.v1.StatefulSetUpdateStrategy","volumeClaimTemplates":{"l":"#core.v1.PersistentVolumeClaim"}},"q":["selector","template"]}
StatefulSetStatus {"f":{"availableReplicas":"integer:int32","collisionCount":"integer:int32","conditions":{"l":"#apps.v1.StatefulSetCondition","t":"map","k":["type"],"s":"merge","m":"type"},"currentReplicas":"integer:int32","currentRevision":"string","observedGeneration":"integer:int64","readyReplicas":"integer:int32","replicas":"integer:int32","updateRevision":"string","updatedReplicas":"integer:int32"},"q":["replicas"]}
StatefulSetUpdateStrategy {"f":{"rollingUpdate":"#apps.v1.RollingUpdateStatefulSetStrategy","type":"string"}}
`;
