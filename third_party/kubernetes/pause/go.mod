module souk/third_party/kubernetes/pause

go 1.25.0
