{
  description = "As much of nixpkgs as flake.nix names, each an empty derivation: to evaluate it where nixpkgs cannot be fetched";

  outputs = { self }:
    let
      genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
      # What nixos-25.11 is known to have; a name that is not here fails.
      names = [
        "bazel_7" "buf" "chromium" "cni-plugins" "distribution" "gcc" "gnumake" "iproute2" "iptables" "jdk17_headless" "k6" "kustomize" "maven" "nodejs_20" "openssl" "podman" "postgresql_15"
        "prometheus" "python311" "redis" "runc" "skopeo" "unzip" "util-linux"
      ];
      packages = system:
        let make = name: derivation { inherit name system; builder = "/bin/sh"; };
        in genAttrs names make // {
          lib.makeBinPath = paths: builtins.concatStringsSep ":" (map (path: "${path}/bin") paths);
          mkShell = { packages, ... }@attributes: derivation (attributes // { name = "shell"; inherit system; builder = "/bin/sh"; });
          writeShellScript = name: text: derivation { inherit name system text; builder = "/bin/sh"; };
        };
    in
    {
      lib = { inherit genAttrs; };
      legacyPackages = genAttrs [ "x86_64-linux" "aarch64-linux" ] packages;
    };
}
