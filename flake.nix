{
  description = "Souk: an e-commerce backend in Python that a team can really run";

  # Pinned in flake.lock; seen alike in two independent public lock files.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});

      # What dev/bootstrap.sh installs on Debian, under the names that the build looks for.
      tools = pkgs: [
        pkgs.bazel_7
        pkgs.buf
        pkgs.chromium
        pkgs.cni-plugins
        pkgs.distribution
        pkgs.gcc
        pkgs.gnumake
        pkgs.iproute2
        pkgs.iptables
        pkgs.jdk17_headless
        pkgs.k6
        pkgs.kustomize
        pkgs.maven
        pkgs.nodejs_20
        pkgs.openssl
        pkgs.podman
        pkgs.postgresql_15
        pkgs.prometheus
        pkgs.python311
        pkgs.redis
        pkgs.runc
        pkgs.skopeo
        pkgs.unzip
        pkgs.util-linux
      ];
    in
    {
      # nix develop -c make test
      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = tools pkgs;
          BAZEL_PYTHON = "${pkgs.python311}/bin/python3.11";
        };
      });

      # nix run: the same as make run, in the checkout
      apps = each (pkgs: {
        default = {
          type = "app";
          program = "${pkgs.writeShellScript "souk" ''
            export PATH=${pkgs.lib.makeBinPath (tools pkgs)}:$PATH BAZEL_PYTHON=${pkgs.python311}/bin/python3.11 IN_NIX_SHELL=pure
            exec make run
          ''}";
        };
      });
    };
}
