# SPDX-License-Identifier: Apache-2.0
"""Says what Kubernetes and the Prometheus operator would refuse in manifests: manifests.py FILE..."""
import sys
import kubernetes_validate
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator

findings = 0
for path in sys.argv[1:]:
    with open(path) as file:
        documents = list(yaml.safe_load_all(file))
    for manifest in documents:
        try:
            if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
                known = getattr(operator, manifest["kind"]).model_validate(manifest)
                # The model leaves out what it does not know.
                kept = known.model_dump(by_alias=True, exclude_unset=True, mode="json")
                if kept != manifest:
                    raise ValueError(f"fields that are not known: {manifest}")
            else:
                kubernetes_validate.validate(manifest, "1.37", strict=True)
        except Exception as error:
            findings += 1
            print(f"{path}: {error}")
    print(f"{path}: {len(documents)} looked at")
sys.exit(findings > 0)
